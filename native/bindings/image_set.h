// A set of stored images, mapped from shards or borrowed from typed arrays, numbered 0..count-1 in order.
#pragma once
#include <napi.h>

#include <memory>
#include <vector>

#include "bindings/file_mapping.h"
#include "core/input.h"

namespace brightcell::bindings {

// What a worker reads. Any thread may read it; who holds the pointer keeps the pixels mapped, so closing a set
// while a worker uses it is harmless. Pixels borrowed from typed arrays live as long as the JavaScript object,
// which the worker pins (Worker::run, keep).
class Images {
 public:
  int64_t count() const { return count_; }
  int channels() const { return channels_; }
  int height() const { return height_; }
  int width() const { return width_; }
  PixelType type() const { return type_; }
  int64_t imageBytes() const;
  // index must be in [0, count()).
  ImageView view(int64_t index) const;

 private:
  friend class ImageSet;
  // One shard: where its first pixel is and the number of its first image.
  struct Part {
    const uint8_t* pixels;
    int64_t first;
    std::unique_ptr<FileMapping> mapping;
  };
  std::vector<Part> parts_;
  int64_t count_ = 0;
  PixelType type_ = PixelType::uint8;
  int channels_ = 0, height_ = 0, width_ = 0;
};

class ImageSet : public Napi::ObjectWrap<ImageSet> {
 public:
  static Napi::Function define(Napi::Env env);
  // The images behind a JavaScript ImageSet (the wrapped handle or the TypeScript object that holds it); throws
  // a JavaScript TypeError for anything else and for a closed set.
  static std::shared_ptr<const Images> unwrap(const Napi::Value& value);

  explicit ImageSet(const Napi::CallbackInfo& info);

 private:
  void addFile(Images& images, const Napi::Object& part);
  void addArray(Images& images, const Napi::TypedArray& array);
  std::shared_ptr<const Images> open(Napi::Env env) const;
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value checksums(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value measureLight(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<const Images> images_;
  std::vector<Napi::ObjectReference> borrowed_;
};

// Settings of loadImage as the TypeScript side gives them: a normalisation's name, and ranges or undefined.
Normalisation parseNormalisation(const Napi::Value& value);
Augmentation parseAugmentation(const Napi::Object& ranges);
// Level and contrast of the session of each of some rows, from a Float32Array of two a row; none without one.
std::vector<Light> readLight(const Napi::Value& value);
// The image with its session's light.
ImageView lit(ImageView view, const std::vector<Light>& light, int64_t position);

}  // namespace brightcell::bindings
