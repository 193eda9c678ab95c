// A file mapped read-only into memory: the page cache holds what is hot, and nothing can be written through it.
#pragma once
#include <cstdint>
#include <string>

namespace brightcell::bindings {

class FileMapping {
 public:
  // Throws std::runtime_error when the file cannot be opened or mapped. `path` is UTF-8.
  explicit FileMapping(const std::string& path);
  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  const uint8_t* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace brightcell::bindings
