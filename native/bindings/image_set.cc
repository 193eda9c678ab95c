// Images [N, C, H, W] for JavaScript: mapped or borrowed, read one at a time, or loaded as a network sees them.
#include "bindings/image_set.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "bindings/register.h"
#include "bindings/worker.h"
#include "core/checksum.h"
#include "core/parallel.h"

namespace brightcell::bindings {
namespace {

constexpr napi_type_tag typeTag = {0x6272696768746365ull, 0x6C6C696D61676573ull};

int pixelBytes(PixelType type) { return type == PixelType::uint8 ? 1 : type == PixelType::uint16 ? 2 : 4; }

PixelType parsePixelType(const Napi::Env env, const std::string& name) {
  if (name == "uint8") return PixelType::uint8;
  if (name == "uint16") return PixelType::uint16;
  if (name == "float32") return PixelType::float32;
  throw Napi::TypeError::New(env, "pixel type must be uint8, uint16 or float32. Received " + name + ".");
}

double numberOf(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
}

bool flagOf(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean(); }

}  // namespace

int64_t Images::imageBytes() const {
  return static_cast<int64_t>(channels_) * height_ * width_ * pixelBytes(type_);
}

ImageView Images::view(int64_t index) const {
  const auto next = std::upper_bound(parts_.begin(), parts_.end(), index,
                                     [](int64_t value, const Part& part) { return value < part.first; });
  const Part& part = *(next - 1);
  return {part.pixels + (index - part.first) * imageBytes(), type_, channels_, height_, width_};
}

Normalisation parseNormalisation(const Napi::Value& value) {
  const std::string name = value.ToString();
  if (name == "none") return Normalisation::none;
  if (name == "range") return Normalisation::range;
  if (name == "mean") return Normalisation::mean;
  if (name == "standardise") return Normalisation::standardise;
  if (name == "session") return Normalisation::session;
  throw Napi::TypeError::New(value.Env(), "unknown normalisation " + name + ".");
}

Augmentation parseAugmentation(const Napi::Object& ranges) {
  Augmentation augmentation;
  augmentation.flipHorizontal = flagOf(ranges, "flipHorizontal");
  augmentation.flipVertical = flagOf(ranges, "flipVertical");
  augmentation.translate = numberOf(ranges, "translate");
  augmentation.rotateDegrees = numberOf(ranges, "rotateDegrees");
  augmentation.scale = numberOf(ranges, "scale");
  augmentation.blurSigma = numberOf(ranges, "blurSigma");
  augmentation.noise = numberOf(ranges, "noise");
  augmentation.brightness = numberOf(ranges, "brightness");
  augmentation.contrast = numberOf(ranges, "contrast");
  augmentation.replaceBackground = numberOf(ranges, "replaceBackground");
  return augmentation;
}

std::vector<Light> readLight(const Napi::Value& value) {
  std::vector<Light> light;
  if (!value.IsTypedArray()) return light;
  const auto numbers = value.As<Napi::Float32Array>();
  for (size_t i = 0; i + 1 < numbers.ElementLength(); i += 2) light.push_back({numbers[i], numbers[i + 1]});
  return light;
}

ImageView lit(ImageView view, const std::vector<Light>& light, int64_t position) {
  if (light.empty()) return view;
  view.level = light[static_cast<size_t>(position)].level;
  view.contrast = light[static_cast<size_t>(position)].contrast;
  return view;
}

Napi::Function ImageSet::define(Napi::Env env) {
  return DefineClass(env, "ImageSet",
                     {InstanceMethod<&ImageSet::count>("count"), InstanceMethod<&ImageSet::read>("read"),
                      InstanceMethod<&ImageSet::checksums>("checksums"),
                      InstanceMethod<&ImageSet::load>("load"), InstanceMethod<&ImageSet::measureLight>("measureLight"),
                      InstanceMethod<&ImageSet::close>("close")});
}

std::shared_ptr<const Images> ImageSet::unwrap(const Napi::Value& value) {
  Napi::Object object;
  if (value.IsObject()) {
    object = value.As<Napi::Object>();
    if (!object.CheckTypeTag(&typeTag) && object.Has("handle") && object.Get("handle").IsObject())
      object = object.Get("handle").As<Napi::Object>();
  }
  if (object.IsEmpty() || !object.CheckTypeTag(&typeTag))
    throw Napi::TypeError::New(value.Env(), "an ImageSet is expected.");
  return Unwrap(object)->open(value.Env());
}

// new ImageSet(type, [channels, height, width], parts): parts are {path, offset, count} or typed arrays.
ImageSet::ImageSet(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ImageSet>(info) {
  info.This().As<Napi::Object>().TypeTag(&typeTag);
  auto images = std::make_shared<Images>();
  images->type_ = parsePixelType(info.Env(), info[0].ToString());
  const auto shape = info[1].As<Napi::Array>();
  images->channels_ = shape.Get(0u).ToNumber().Int32Value();
  images->height_ = shape.Get(1u).ToNumber().Int32Value();
  images->width_ = shape.Get(2u).ToNumber().Int32Value();
  const auto parts = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < parts.Length(); ++i) {
    const auto part = parts.Get(i).As<Napi::Object>();
    part.IsTypedArray() ? addArray(*images, part.As<Napi::TypedArray>()) : addFile(*images, part);
  }
  images_ = std::move(images);
}

void ImageSet::addFile(Images& images, const Napi::Object& part) {
  const int64_t count = part.Get("count").ToNumber().Int64Value();
  const int64_t offset = part.Get("offset").ToNumber().Int64Value();
  const std::string path = part.Get("path").ToString();
  if (count == 0) return;
  std::unique_ptr<FileMapping> mapping;
  try {
    mapping = std::make_unique<FileMapping>(path);
  } catch (const std::exception& error) {
    throw Napi::Error::New(part.Env(), error.what());
  }
  if (mapping->size() < offset + count * images.imageBytes())
    throw Napi::Error::New(part.Env(), path + " is shorter than the images that it must hold.");
  const uint8_t* pixels = mapping->data() + offset;
  images.parts_.push_back({pixels, images.count_, std::move(mapping)});
  images.count_ += count;
}

void ImageSet::addArray(Images& images, const Napi::TypedArray& array) {
  if (array.ByteLength() == 0) return;
  const auto* base = static_cast<const uint8_t*>(array.ArrayBuffer().Data());
  images.parts_.push_back({base + array.ByteOffset(), images.count_, nullptr});
  images.count_ += static_cast<int64_t>(array.ByteLength()) / images.imageBytes();
  borrowed_.push_back(Napi::Persistent(array.As<Napi::Object>()));
}

std::shared_ptr<const Images> ImageSet::open(Napi::Env env) const {
  if (!images_) throw Napi::TypeError::New(env, "the ImageSet is closed.");
  return images_;
}

Napi::Value ImageSet::count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(open(info.Env())->count()));
}

// read(row, dst): copies one image into a typed array of its size.
Napi::Value ImageSet::read(const Napi::CallbackInfo& info) {
  const auto images = open(info.Env());
  const auto dst = info[1].As<Napi::TypedArray>();
  auto* bytes = static_cast<uint8_t*>(dst.ArrayBuffer().Data()) + dst.ByteOffset();
  std::memcpy(bytes, images->view(info[0].ToNumber().Int64Value()).pixels, static_cast<size_t>(images->imageBytes()));
  return dst;
}

// checksums(first, count): a promise of the CRC-32 of each image's stored bytes.
Napi::Value ImageSet::checksums(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto images = open(env);
  const int64_t first = info[0].ToNumber().Int64Value(), count = info[1].ToNumber().Int64Value();
  auto dst = Napi::Uint32Array::New(env, static_cast<size_t>(count));
  auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(dst.As<Napi::Object>()));
  return Worker::run(
      env, {info.This().As<Napi::Object>()},
      [images, first, count, out = dst.Data()] {
        parallelFor(static_cast<std::ptrdiff_t>(count), [&](std::ptrdiff_t n, int) {
          out[n] = crc32(static_cast<const uint8_t*>(images->view(first + n).pixels), images->imageBytes());
        });
      },
      [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
}

// load(rows, normalisation, augmentation | undefined, seed, light | undefined): a promise of [N, C, H, W] float32.
Napi::Value ImageSet::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto images = open(env);
  const auto rows = info[0].As<Napi::Int32Array>();
  const Normalisation normalisation = parseNormalisation(info[1]);
  const bool augmented = info[2].IsObject();
  const Augmentation ranges = augmented ? parseAugmentation(info[2].As<Napi::Object>()) : Augmentation{};
  const auto seed = static_cast<uint64_t>(info[3].ToNumber().Int64Value());
  const std::vector<Light> light = readLight(info[4]);
  const int64_t size = static_cast<int64_t>(images->channels()) * images->height() * images->width();
  auto dst = Napi::Float32Array::New(env, rows.ElementLength() * static_cast<size_t>(size));
  float* out = dst.Data();
  auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(dst.As<Napi::Object>()));
  return Worker::run(
      env, {info.This().As<Napi::Object>(), rows.As<Napi::Object>()},
      [=, index = rows.Data(), count = rows.ElementLength()] {
        std::vector<std::vector<float>> scratch(static_cast<size_t>(threads()));
        parallelFor(static_cast<std::ptrdiff_t>(count), [&](std::ptrdiff_t n, int worker) {
          const ImageView view = lit(images->view(index[n]), light, n);
          auto& buffer = scratch[static_cast<size_t>(worker)];
          buffer.resize(static_cast<size_t>(loadScratchSize(view)));
          const InputTransform transform{normalisation, augmented ? &ranges : nullptr, static_cast<int64_t>(count),
                                         [&](int64_t position) { return lit(images->view(index[position]), light, position); }};
          loadImage(view, transform, imageSeed(seed, n), out + n * size, buffer.data());
        });
      },
      [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
}

// measureLight(rows): a promise of level and contrast of each image, 2 N float32.
Napi::Value ImageSet::measureLight(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto images = open(env);
  const auto rows = info[0].As<Napi::Int32Array>();
  auto dst = Napi::Float32Array::New(env, 2 * rows.ElementLength());
  float* out = dst.Data();
  auto pinned = std::make_shared<Napi::ObjectReference>(Napi::Persistent(dst.As<Napi::Object>()));
  return Worker::run(
      env, {info.This().As<Napi::Object>(), rows.As<Napi::Object>()},
      [=, index = rows.Data(), count = rows.ElementLength()] {
        const int64_t size = static_cast<int64_t>(images->channels()) * images->height() * images->width();
        std::vector<std::vector<float>> buffers(static_cast<size_t>(threads()));
        parallelFor(static_cast<std::ptrdiff_t>(count), [&](std::ptrdiff_t n, int worker) {
          const ImageView view = images->view(index[n]);
          auto& buffer = buffers[static_cast<size_t>(worker)];
          buffer.resize(static_cast<size_t>(size + loadScratchSize(view)));
          const Light light = brightcell::measureLight(view, buffer.data(), buffer.data() + size);
          out[2 * n] = light.level;
          out[2 * n + 1] = light.contrast;
        });
      },
      [pinned](Napi::Env) -> Napi::Value { return pinned->Value(); });
}

void ImageSet::close(const Napi::CallbackInfo&) {
  images_.reset();
}

void registerImageSet(Napi::Env env, Napi::Object exports) { exports.Set("ImageSet", ImageSet::define(env)); }

}  // namespace brightcell::bindings
