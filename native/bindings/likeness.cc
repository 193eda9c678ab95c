// Copies of one cell among many: descriptions of images and comparisons of pairs. src/engine/likeness.ts checks the
// arguments.
#include "core/likeness.h"

#include <napi.h>

#include <algorithm>

#include "bindings/image_set.h"
#include "bindings/register.h"
#include "bindings/worker.h"

namespace brightcell::bindings {
namespace {

constexpr int pairNumbers = 8;

struct Scratch {
  Likeness left, right;
  PortraitScratch portrait;
};

// describeLikeness(images, rows, dst): a promise; dst holds N x likenessLength numbers.
Napi::Value describe(const Napi::CallbackInfo& info) {
  const auto images = ImageSet::unwrap(info[0]);
  const auto rows = info[1].As<Napi::Int32Array>();
  auto dst = info[2].As<Napi::Float32Array>();
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>(), rows.As<Napi::Object>(), dst.As<Napi::Object>()},
      [images, index = rows.Data(), total = rows.ElementLength(), out = dst.Data()] {
        std::vector<Scratch> scratch(static_cast<size_t>(threads()));
        parallelFor(static_cast<std::ptrdiff_t>(total), [&](std::ptrdiff_t n, int worker) {
          Scratch& own = scratch[static_cast<size_t>(worker)];
          own.left.read(images->view(index[n]), own.portrait);
          describeLikeness(own.left, out + n * likenessLength);
        });
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// compareLikeness(images, rows, others, places, k, gate, dst): a promise. Row n of `images` is compared with the rows
// places[n * k ..] of `others` (-1: none); dst holds pairNumbers a pair.
Napi::Value compare(const Napi::CallbackInfo& info) {
  const auto images = ImageSet::unwrap(info[0]), others = ImageSet::unwrap(info[2]);
  const auto rows = info[1].As<Napi::Int32Array>(), places = info[3].As<Napi::Int32Array>();
  const int64_t k = info[4].ToNumber().Int64Value();
  const double gate = info[5].ToNumber().DoubleValue();
  auto dst = info[6].As<Napi::Float32Array>();
  return Worker::run(
      info.Env(),
      {info[0].As<Napi::Object>(), rows.As<Napi::Object>(), info[2].As<Napi::Object>(), places.As<Napi::Object>(),
       dst.As<Napi::Object>()},
      [=, index = rows.Data(), total = rows.ElementLength(), other = places.Data(), out = dst.Data()] {
        std::vector<Scratch> scratch(static_cast<size_t>(threads()));
        parallelFor(static_cast<std::ptrdiff_t>(total), [&](std::ptrdiff_t n, int worker) {
          Scratch& own = scratch[static_cast<size_t>(worker)];
          bool read = false;
          for (int64_t j = 0; j < k; ++j) {
            const int32_t place = other[n * k + j];
            float* pair = out + (n * k + j) * pairNumbers;
            std::fill_n(pair, pairNumbers, 0.f);
            if (place < 0) continue;
            if (!read) own.left.read(images->view(index[n]), own.portrait);
            read = true;
            own.right.read(others->view(place), own.portrait);
            const Alignment found = alignLikeness(own.left, own.right, gate);
            const double numbers[] = {found.correlation, found.residual, found.detail, found.degrees, found.mirrored ? 1. : 0.,
                                      found.shiftX, found.shiftY, found.scale};
            std::copy_n(numbers, pairNumbers, pair);
          }
        });
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

}  // namespace

void registerLikeness(Napi::Env env, Napi::Object exports) {
  exports.Set("likenessLength", Napi::Number::New(env, likenessLength));
  exports.Set("describeLikeness", Napi::Function::New(env, describe, "describeLikeness"));
  exports.Set("compareLikeness", Napi::Function::New(env, compare, "compareLikeness"));
}

}  // namespace brightcell::bindings
