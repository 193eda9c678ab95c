// The table of one instruction set.
#include "kernels/set.h"

#define BRIGHTCELL_NAME_OF(set) #set
#define BRIGHTCELL_NAME(set) BRIGHTCELL_NAME_OF(set)

namespace brightcell::BRIGHTCELL_SET {

const Kernels& table() {
  static constexpr Kernels kernels = {
      .name = BRIGHTCELL_NAME(BRIGHTCELL_SET),
      .lanes = lanes,
      .panel = 2 * lanes,
      .rows = maxRows,
      .bfloat16 = hasBfloat16,
      .tile = tile,
      .pack = pack,
      .productTile = productTile,
      .smallProduct = smallProduct,
      .rowDots = rowDots,
      .winogradSource = winogradSource,
      .winogradAddSource = winogradAddSource,
      .splitPairs = splitPairs,
      .winogradRow = winogradRow,
      .winogradColumns = winogradColumns,
      .winogradToRows = winogradToRows,
      .winogradFromRows = winogradFromRows,
      .winogradPool = winogradPool,
      .winogradUnpool = winogradUnpool,
      .winogradWide = winogradWide,
      .winogradNarrow = winogradNarrow,
      .winogradTaps = winogradTaps,
      .winogradAddTaps = winogradAddTaps,
#if defined(__AVX512BF16__)
      .byteTile = byteTile,
      .pairProduct = pairProduct,
      .roundPairs = roundPairs,
      .pairPooled = pairPooled,
      .fixedProduct = fixedProduct,
      .fixedPairs = fixedPairs,
      .fixedRows = fixedRows,
#else
      .byteTile = nullptr,
      .pairProduct = nullptr,
      .roundPairs = nullptr,
      .pairPooled = nullptr,
      .fixedProduct = nullptr,
      .fixedPairs = nullptr,
      .fixedRows = nullptr,
#endif
      .addLivePatches = addLivePatches,
      .scatterLive = scatterLive,
      .maxPool = maxPool,
      .unpool = unpool,
      .activate = activate,
      .activateBackward = activateBackward,
      .scaleShift = scaleShift,
      .placeChannels = placeChannels,
      .takeChannels = takeChannels,
      .addChannels = addChannels,
      .addSquares = addSquares,
      .addProducts = addProducts,
      .combine = combine,
      .add = add,
      .sumSquares = sumSquares,
      .adam = adam,
      .sgd = sgd,
      .linearScores = linearScores,
      .linearSums = linearSums,
      .peakFloat32 = peakFloat32,
      .peakBfloat16 = peakBfloat16,
      .rbf = rbf,
      .svmStep = svmStep,
      .svmSecond = svmSecond,
      .svmAdd = svmAdd,
      .svmDot = svmDot,
      .image = {.warpBytes = warpBytes,
                .warpWords = warpWords,
                .warpReals = warpReals,
                .scaleBytes = scaleBytes,
                .scaleWords = scaleWords,
                .scaleReals = scaleReals,
                .sumBytes = sumBytes,
                .sumReals = sumReals,
                .blur = blur,
                .addNoise = addNoise},
      .fft = &fftKernels,
      .distance = &distanceKernels,
      .embedding = &embeddingKernels,
  };
  return kernels;
}

}  // namespace brightcell::BRIGHTCELL_SET
