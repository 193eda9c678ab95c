// Max pooling, a vector of channels at a time.
#include "kernels/set.h"

namespace brightcell::BRIGHTCELL_SET {

void maxPool(const float* src, const PoolGeometry& g, float* dst, uint8_t* place) {
  for (int y = 0; y < g.outputHeight; ++y) {
    const int top = y * g.strideY - g.top;
    for (int x = 0; x < g.outputWidth; ++x) {
      const int left = x * g.strideX - g.left;
      const int64_t at = (static_cast<int64_t>(y) * g.outputWidth + x) * g.channels;
      for (int c = 0; c < g.channels; c += lanes) {
        Vector best = all(-INFINITY);
        Integers index{};
        bool first = true;
        for (int dy = 0; dy < g.windowHeight; ++dy) {
          if (top + dy < 0 || top + dy >= g.height) continue;
          for (int dx = 0; dx < g.windowWidth; ++dx) {
            if (left + dx < 0 || left + dx >= g.width) continue;
            const Vector v =
                load(src + (top + dy) * g.sourceRow + (left + dx) * g.sourceStep + c);
            const Integers here = Integers{} + (dy * g.windowWidth + dx);
            if (first) {
              best = v;
              index = here;
              first = false;
              continue;
            }
            const Integers greater = (v > best) | (v != v);  // a NaN wins and stays: it must not get lost
            best = greater ? v : best;
            index = greater ? here : index;
          }
        }
        const Bytes bytes = __builtin_convertvector(index, Bytes);
        if (c + lanes <= g.channels) {
          store(dst + at + c, best);
          if (place != nullptr) *reinterpret_cast<UnalignedBytes*>(place + at + c) = bytes;
        } else {
          for (int i = 0; c + i < g.channels; ++i) {
            dst[at + c + i] = best[i];
            if (place != nullptr) place[at + c + i] = bytes[i];
          }
        }
      }
    }
  }
}

}  // namespace brightcell::BRIGHTCELL_SET
