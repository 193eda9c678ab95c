// What src/engine/networkSpec.ts and trainSettings.ts describe as plain objects, in the core's terms. The TypeScript side
// has checked every value; a name that the core does not know throws std::invalid_argument.
#pragma once
#include <napi.h>

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/network.h"

namespace brightcell::bindings {

// A property as a number, `fallback` where it is none; as a flag; as text.
double number(const Napi::Object& object, const char* name, double fallback = 0);
bool flag(const Napi::Object& object, const char* name);
std::string text(const Napi::Object& object, const char* name);

// The value that stands beside a name.
template <typename Enum>
Enum choose(const std::string& name, std::initializer_list<std::pair<const char*, Enum>> choices) {
  for (const auto& [candidate, value] : choices)
    if (name == candidate) return value;
  throw std::invalid_argument("no such choice: " + name);
}

std::vector<Layer> readLayers(const Napi::Value& list);
// Null or undefined: none.
Decoder readDecoder(const Napi::Value& value);
Initialiser readInitialiser(const Napi::Object& object);
Loss readLoss(const Napi::Object& object);
Optimiser readOptimiser(const Napi::Object& object);

}  // namespace brightcell::bindings
