// renderCells: a chunk of simulated cells, drawn and rendered on all cores, either as raw images one after another or
// prepared for a data set of height x width with their quality measured.
#include <cstring>
#include <limits>
#include <memory>

#include "bindings/register.h"
#include "bindings/worker.h"
#include "core/parallel.h"
#include "core/prepare.h"
#include "core/quality.h"
#include "core/simulate.h"

namespace brightcell::bindings {
namespace {

constexpr std::array<const char*, 9> parameterNames = {"radius",   "aspect", "nucleusRatio", "granules", "roughness",
                                                       "centreX",  "centreY", "blur",        "outside"};

struct Chunk {
  simulate::Options options;
  int64_t first = 0;
  int count = 0, height = 0, width = 0;  // height 0: raw
  std::vector<simulate::Session> sessions;
  std::vector<simulate::Scene> scenes;
  std::vector<size_t> offsets;
  std::vector<uint8_t> pixels;
  std::vector<float> quality, parameters;

  bool prepared() const { return height > 0; }
};

void drawScenes(Chunk& chunk) {
  for (int session = 0; session < chunk.options.sessions; ++session)
    chunk.sessions.push_back(simulate::drawSession(chunk.options, session));
  chunk.scenes.resize(chunk.count);
  parallelFor(chunk.count, [&](std::ptrdiff_t i, int) {
    chunk.scenes[i] = simulate::drawScene(chunk.options, chunk.sessions, chunk.first + i);
  });
}

void layOut(Chunk& chunk) {
  const size_t stored = static_cast<size_t>(chunk.height) * chunk.width;
  size_t total = 0;
  for (const simulate::Scene& scene : chunk.scenes) {
    chunk.offsets.push_back(total);
    total += chunk.prepared() ? stored : static_cast<size_t>(scene.rows) * scene.columns;
  }
  chunk.pixels.resize(total);
  chunk.quality.resize(chunk.prepared() ? static_cast<size_t>(chunk.count) * qualityCount : 0);
  chunk.parameters.resize(static_cast<size_t>(chunk.count) * parameterNames.size());
}

// What the image shows of its first cell; not a number where there is none.
void describe(const simulate::Scene& scene, float* dst) {
  std::fill(dst, dst + parameterNames.size(), std::numeric_limits<float>::quiet_NaN());
  dst[7] = static_cast<float>(scene.blur);
  if (scene.cells.empty()) return;
  const simulate::CellShape& cell = scene.cells.front();
  const double values[] = {cell.radius,           cell.aspect,          cell.nucleusRatio, static_cast<double>(cell.granules.size()),
                           cell.roughness,        scene.x / scene.width, scene.y / scene.height, scene.blur,
                           scene.outside};
  for (size_t i = 0; i < parameterNames.size(); ++i) dst[i] = static_cast<float>(values[i]);
}

void renderChunk(Chunk& chunk) {
  drawScenes(chunk);
  layOut(chunk);
  Preparation preparation;
  preparation.height = chunk.height;
  preparation.width = chunk.width;
  std::vector<simulate::RenderScratch> renderScratch(threads());
  std::vector<PrepareScratch> prepareScratch(threads());
  std::vector<std::vector<uint8_t>> raw(threads(), std::vector<uint8_t>(simulate::maxRows * simulate::maxColumns));
  parallelFor(chunk.count, [&](std::ptrdiff_t i, int worker) {
    const simulate::Scene& scene = chunk.scenes[i];
    uint8_t* place = chunk.pixels.data() + chunk.offsets[i];
    uint8_t* image = chunk.prepared() ? raw[worker].data() : place;
    simulate::renderScene(chunk.options, chunk.sessions[scene.session], scene, image, renderScratch[worker]);
    describe(scene, chunk.parameters.data() + i * parameterNames.size());
    if (!chunk.prepared()) return;
    const RawView view{image, PixelType::uint8, scene.rows, scene.columns, 1};
    prepare(view, preparation, place, chunk.quality.data() + i * qualityCount, prepareScratch[worker]);
  });
}

// A typed array over the vector's own memory, freed with the array.
template <typename Array, typename Value>
Array hand(Napi::Env env, std::vector<Value>&& values) {
  auto* kept = new std::vector<Value>(std::move(values));
  auto buffer = Napi::ArrayBuffer::New(env, kept->data(), kept->size() * sizeof(Value), [kept](Napi::Env, void*) { delete kept; });
  return Array::New(env, kept->size(), buffer, 0);
}

template <typename Read>
Napi::Int32Array column(Napi::Env env, const Chunk& chunk, Read read) {
  auto array = Napi::Int32Array::New(env, chunk.scenes.size());
  for (size_t i = 0; i < chunk.scenes.size(); ++i) array[i] = static_cast<int32_t>(read(chunk.scenes[i]));
  return array;
}

Napi::Value report(Napi::Env env, Chunk& chunk) {
  auto result = Napi::Object::New(env);
  result.Set("type", column(env, chunk, [](const auto& scene) { return scene.type; }));
  result.Set("session", column(env, chunk, [](const auto& scene) { return scene.session; }));
  result.Set("truth", column(env, chunk, [](const auto& scene) { return scene.truth; }));
  result.Set("rawHeight", column(env, chunk, [](const auto& scene) { return scene.rows; }));
  result.Set("rawWidth", column(env, chunk, [](const auto& scene) { return scene.columns; }));
  result.Set("pixels", hand<Napi::Uint8Array>(env, std::move(chunk.pixels)));
  result.Set("quality", hand<Napi::Float32Array>(env, std::move(chunk.quality)));
  result.Set("parameters", hand<Napi::Float32Array>(env, std::move(chunk.parameters)));
  return result;
}

simulate::Options readOptions(const Napi::Object& from) {
  simulate::Options options;
  options.seed = static_cast<uint64_t>(from.Get("seed").ToNumber().Int64Value());
  options.confounded = from.Get("confounded").ToBoolean();
  options.faults = from.Get("faults").ToNumber().DoubleValue();
  options.sessions = from.Get("sessions").ToNumber().Int32Value();
  const auto weights = from.Get("weights").As<Napi::Array>();
  for (uint32_t i = 0; i < simulate::typeCount; ++i) options.weights[i] = weights.Get(i).ToNumber().DoubleValue();
  return options;
}

Napi::Value renderCells(const Napi::CallbackInfo& info) {
  const auto from = info[0].As<Napi::Object>();
  auto chunk = std::make_shared<Chunk>();
  chunk->options = readOptions(from);
  chunk->first = from.Get("first").ToNumber().Int64Value();
  chunk->count = from.Get("count").ToNumber().Int32Value();
  chunk->height = from.Get("height").ToNumber().Int32Value();
  chunk->width = from.Get("width").ToNumber().Int32Value();
  return Worker::run(
      info.Env(), {}, [chunk] { renderChunk(*chunk); }, [chunk](Napi::Env env) { return report(env, *chunk); });
}

template <size_t count>
Napi::Array names(Napi::Env env, const std::array<const char*, count>& from) {
  auto array = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; ++i) array.Set(static_cast<uint32_t>(i), Napi::String::New(env, from[i]));
  return array;
}

}  // namespace

void registerSimulate(Napi::Env env, Napi::Object exports) {
  exports.Set("renderCells", Napi::Function::New(env, renderCells, "renderCells"));
  exports.Set("simulatedTypes", names(env, simulate::typeNames));
  exports.Set("simulatedTruths", names(env, simulate::truthNames));
  exports.Set("simulatedParameters", names(env, parameterNames));
}

}  // namespace brightcell::bindings
