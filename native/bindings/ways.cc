// Remembers which way each layer takes, one small file a layer in a folder: of processes that measure at the same time
// the first to write decides, so that all of them, now and later, take the same way.
#include <cstdio>
#include <filesystem>
#include <random>

#include "bindings/register.h"
#include "core/choice.h"

namespace brightcell::bindings {
namespace {

class FolderMemory : public WayMemory {
 public:
  explicit FolderMemory(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::string recall(const std::string& key) override {
    std::FILE* file = std::fopen((folder_ / key).string().c_str(), "rb");
    if (file == nullptr) return "";
    char name[32];
    const size_t length = std::fread(name, 1, sizeof name, file);
    std::fclose(file);
    return std::string(name, length);
  }

  // Written aside and linked in, so that a name appears whole and only once. Where nothing can be written, the process
  // goes on with what it found.
  std::string keep(const std::string& key, const std::string& name) override {
    std::error_code ignored;
    std::filesystem::create_directories(folder_, ignored);
    const auto aside = folder_ / (key + "." + std::to_string(std::random_device()()));
    if (std::FILE* file = std::fopen(aside.string().c_str(), "wbx")) {
      const bool written = std::fwrite(name.data(), 1, name.size(), file) == name.size();
      if (std::fclose(file) == 0 && written) std::filesystem::create_hard_link(aside, folder_ / key, ignored);
      std::filesystem::remove(aside, ignored);
    }
    const std::string standing = recall(key);
    return standing.empty() ? name : standing;
  }

 private:
  std::filesystem::path folder_;
};

// (folder)
void rememberWays(const Napi::CallbackInfo& info) {
  setWayMemory(std::make_unique<FolderMemory>(std::filesystem::path(info[0].As<Napi::String>().Utf8Value())));
}

}  // namespace

void registerWays(Napi::Env env, Napi::Object exports) {
  exports.Set("rememberWays", Napi::Function::New(env, rememberWays));
}

}  // namespace brightcell::bindings
