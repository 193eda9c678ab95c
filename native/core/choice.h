// Which way a convolution takes. The cost model orders the ways; where another comes close to its first, a short
// measurement on this machine decides, once: what it found is remembered, so that the same layer takes the same way,
// and gives the same bits, every time.
#pragma once
#include <memory>
#include <string>

#include "core/convolution.h"

namespace brightcell {

// Names by key. Threads call it one at a time.
class WayMemory {
 public:
  virtual ~WayMemory() = default;
  // Empty: nothing known.
  virtual std::string recall(const std::string& key) = 0;
  // Keeps the name unless another was kept meanwhile; gives the one that stands.
  virtual std::string keep(const std::string& key, const std::string& name) = 0;
};

// Remembers beyond the process; null: this process only. Not while networks are being made.
void setWayMemory(std::unique_ptr<WayMemory> memory);

ConvCandidate<ConvForward> chooseForward(const ConvLayer& layer, Precision precision);
ConvCandidate<ConvBackward> chooseBackward(const ConvLayer& layer, bool diffSource, Precision precision);

}  // namespace brightcell
