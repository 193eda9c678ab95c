// How a small product cuts its rows: into blocks whose sums stay in registers, each of a height known when compiling.
#pragma once
#include "kernels/vector.h"

namespace brightcell::BRIGHTCELL_SET {

// Calls body.template operator()<rows>() for a height from 1 to Rows.
template <int Rows = maxRows, typename Body>
BRIGHTCELL_INLINE void withHeight(int rows, Body body) {
  if (rows == Rows) return body.template operator()<Rows>();
  if constexpr (Rows > 1) withHeight<Rows - 1>(rows, body);
}

// Calls body.template operator()<height>(first row) for blocks of about equal height, at most Most: a low one at
// the end would wait for its own sums.
template <int Most = maxRows, typename Body>
BRIGHTCELL_INLINE void inBlocks(ptrdiff_t rows, Body body) {
  const ptrdiff_t blocks = (rows + Most - 1) / Most;
  for (ptrdiff_t i = 0, row = 0; i < blocks; ++i) {
    const ptrdiff_t next = rows * (i + 1) / blocks;
    withHeight<Most>(static_cast<int>(next - row), [&]<int Height> { body.template operator()<Height>(row); });
    row = next;
  }
}

}  // namespace brightcell::BRIGHTCELL_SET
