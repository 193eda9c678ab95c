// Matrix product: C[M x N] (+)= A[M x K] B[K x N] + bias. Any steps for A and B, rows of C contiguous.
#pragma once
#include <cstdint>

#include "core/buffer.h"
#include "core/shape.h"
#include "kernels/kernels.h"

namespace brightcell {

// Element (i, j) is data[i * rowStep + j * columnStep].
struct Matrix {
  const float* data;
  int64_t rowStep, columnStep;
  Matrix transposed() const { return {data, columnStep, rowStep}; }
};

// B as the inner loops read it, kept for many products with the same B: weights that stay as they are.
class PackedColumns {
 public:
  // On all threads.
  void pack(const Matrix& b, int64_t depth, int64_t columns, Precision);
  const uint32_t* data() const { return words_.data(); }

 private:
  Buffer<uint32_t> words_;
};

struct Product {
  int64_t rows, columns, depth;
  Matrix a, b;
  float* c;
  int64_t cStep;
  bool accumulate = false;      // add to what stands in C
  const float* bias = nullptr;  // [columns], added to each row
  Precision precision = Precision::float32;
  Activation activation = Activation::none;  // of what then stands in C
  const PackedColumns* packed = nullptr;     // B, packed before at the same precision; then b is not read
};

// On all threads. Each element is one sum in an order that depends on the depth only: the same bits whatever the
// other rows and columns are, whether B came packed, and on any number of threads.
void multiply(const Product& product);

}  // namespace brightcell
