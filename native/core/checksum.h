// The checksum of stored pixels: CRC-32 as zip, gzip and PNG have it (polynomial 0x04C11DB7, reflected).
#pragma once
#include <cstdint>

namespace brightcell {

uint32_t crc32(const uint8_t* bytes, int64_t count);

}  // namespace brightcell
