// Matrix product: C[M x N] (+)= A[M x K] B[K x N] + bias. Any steps for A and B, rows of C contiguous.
#pragma once
#include <cstdint>

namespace brightcell {

// Element (i, j) is data[i * rowStep + j * columnStep].
struct Matrix {
  const float* data;
  int64_t rowStep, columnStep;
  Matrix transposed() const { return {data, columnStep, rowStep}; }
};

struct Product {
  int64_t rows, columns, depth;
  Matrix a, b;
  float* c;
  int64_t cStep;
  bool accumulate = false;      // add to what stands in C
  const float* bias = nullptr;  // [columns], added to each row
};

// On all threads. Each element is one sum in an order that depends on the sizes only.
void multiply(const Product& product);

}  // namespace brightcell
