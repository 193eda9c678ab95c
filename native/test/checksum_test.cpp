#include "core/checksum.h"

#include "core/random.h"
#include "test/check.h"

namespace brightcell::test {
namespace {

// The definition: bit by bit.
uint32_t slowly(const std::vector<uint8_t>& bytes) {
  uint32_t remainder = ~0u;
  for (const uint8_t byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = (remainder ^ byte >> bit) & 1;
      remainder = remainder >> 1 ^ (odd ? 0xEDB88320u : 0);
    }
  return ~remainder;
}

FACT("a checksum is the CRC-32 of zip and PNG files, whatever the length") {
  const char* standard = "123456789";
  check(crc32(reinterpret_cast<const uint8_t*>(standard), 9) == 0xCBF43926u, "the standard's example differs");
  Random random(1);
  for (int64_t count = 0; count < 70; ++count) {
    std::vector<uint8_t> bytes(static_cast<size_t>(count));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
    check(crc32(bytes.data(), count) == slowly(bytes), std::to_string(count) + " bytes differ");
  }
}

}  // namespace
}  // namespace brightcell::test
