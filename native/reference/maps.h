// The scalar twins: each operation written as its definition, in plain loops over [N, C, H, W], for any number type.
// They are the reference of the tests and are never part of the addon.
#pragma once
#include <cstdint>
#include <vector>

#include "core/shape.h"

namespace brightcell::reference {

// Images [N, C, H, W].
template <typename T>
struct Maps {
  int64_t count = 0;
  Shape shape;
  std::vector<T> values;

  Maps() = default;
  Maps(int64_t n, Shape s) : count(n), shape(s), values(static_cast<size_t>(n * s.size())) {}
  T& at(int64_t n, int c, int y, int x) {
    return values[((n * shape.channels + c) * shape.height + y) * shape.width + x];
  }
  const T& at(int64_t n, int c, int y, int x) const { return const_cast<Maps*>(this)->at(n, c, y, x); }
  bool has(int y, int x) const { return y >= 0 && y < shape.height && x >= 0 && x < shape.width; }
};

}  // namespace brightcell::reference
