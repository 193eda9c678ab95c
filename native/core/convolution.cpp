#include "core/convolution.h"

#include <algorithm>
#include <cstdlib>

#include "core/byte_convolution.h"
#include "core/direct_convolution.h"
#include "core/few_filters.h"
#include "core/fft_convolution.h"
#include "core/pair_convolution.h"
#include "core/winograd_convolution.h"
#include "core/winograd_wide.h"

namespace brightcell {
namespace {

template <typename Way>
std::vector<ConvCandidate<Way>> inOrder(std::vector<ConvCandidate<Way>> candidates) {
  const char* forced = std::getenv("BRIGHTCELL_ALGORITHM");
  if (forced != nullptr && *forced != '\0') {
    const auto named = [&](const auto& candidate) { return candidate.name == forced; };
    if (std::any_of(candidates.begin(), candidates.end(), named))
      std::erase_if(candidates, [&](const auto& candidate) { return !named(candidate); });
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  return candidates;
}

}  // namespace

bool ConvLayer::poolsSquares() const {
  return pooled && pool.height == 2 && pool.width == 2 && pool.strideY == 2 && pool.strideX == 2 && pool.top == 0 &&
         pool.left == 0 && 2 * result.height <= output.height && 2 * result.width <= output.width;
}

std::vector<ConvCandidate<ConvForward>> forwardCandidates(const ConvLayer& layer, Precision precision) {
  std::vector<ConvCandidate<ConvForward>> candidates;
  addByteForward(layer, precision, candidates);
  addDirectForward(layer, candidates);
  addPairForward(layer, precision, candidates);
  addWinogradForward(layer, precision, candidates);
  addWinogradWideForward(layer, precision, candidates);
  addFftForward(layer, precision, candidates);
  addFewForward(layer, candidates);
  return inOrder(std::move(candidates));
}

std::vector<ConvCandidate<ConvBackward>> backwardCandidates(const ConvLayer& layer, bool diffSource,
                                                            Precision precision) {
  std::vector<ConvCandidate<ConvBackward>> candidates;
  addDirectBackward(layer, diffSource, candidates);
  addPairBackward(layer, diffSource, precision, candidates);
  addWinogradBackward(layer, diffSource, precision, candidates);
  addWinogradWideBackward(layer, diffSource, precision, candidates);
  addFftBackward(layer, diffSource, precision, candidates);
  addFewBackward(layer, diffSource, candidates);
  return inOrder(std::move(candidates));
}

}  // namespace brightcell
