// A set of stored images, mapped from shards or borrowed from typed arrays, numbered 0..count-1 in order.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "core/input.h"

namespace brightcell::bindings {

class ImageSet : public Napi::ObjectWrap<ImageSet> {
 public:
  static Napi::Function define(Napi::Env env);
  // The native set behind a JavaScript ImageSet; throws a JavaScript TypeError for anything else.
  static ImageSet* unwrap(const Napi::Value& value);

  explicit ImageSet(const Napi::CallbackInfo& info);
  ~ImageSet();

  int64_t count() const { return count_; }
  // Safe from any thread while the JavaScript object is pinned; index must be in [0, count()).
  ImageView view(int64_t index) const;

 private:
  struct Part;  // one shard: where its pixels start and how many images it holds
  std::vector<Part> parts_;
  int64_t count_ = 0;
  PixelType type_ = PixelType::uint8;
  int channels_ = 0, height_ = 0, width_ = 0;
};

}  // namespace brightcell::bindings
