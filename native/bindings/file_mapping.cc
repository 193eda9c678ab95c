#include "bindings/file_mapping.h"

#include <stdexcept>

#ifdef _WIN32
#include <windows.h>

#include <filesystem>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace brightcell::bindings {

#ifdef _WIN32

FileMapping::FileMapping(const std::string& path) {
  const auto wide = std::filesystem::u8path(path).wstring();
  HANDLE file = CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                            FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) throw std::runtime_error("cannot open " + path);
  LARGE_INTEGER size{};
  GetFileSizeEx(file, &size);
  size_ = size.QuadPart;
  if (size_ > 0) {
    HANDLE mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
    if (mapping) {
      data_ = static_cast<uint8_t*>(MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0));
      CloseHandle(mapping);
    }
  }
  CloseHandle(file);
  if (size_ > 0 && !data_) throw std::runtime_error("cannot map " + path);
}

FileMapping::~FileMapping() {
  if (data_) UnmapViewOfFile(data_);
}

#else

FileMapping::FileMapping(const std::string& path) {
  const auto fail = [&](const char* what) {
    throw std::runtime_error(std::string("cannot ") + what + " " + path + ": " + std::strerror(errno));
  };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("open");
  struct stat status;
  void* data = nullptr;
  const bool known = fstat(file, &status) == 0;
  if (known && status.st_size > 0) data = mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (!known || data == MAP_FAILED) fail("map");
  data_ = static_cast<uint8_t*>(data);
  size_ = status.st_size;
}

FileMapping::~FileMapping() {
  if (data_) munmap(data_, static_cast<size_t>(size_));
}

#endif

}  // namespace brightcell::bindings
