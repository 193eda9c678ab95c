// Reduction to few dimensions for JavaScript. src/engine/pca.ts and embedding.ts check every argument.
#include <memory>
#include <stdexcept>

#include "bindings/register.h"
#include "bindings/vectors.h"
#include "bindings/worker.h"
#include "core/affinities.h"
#include "core/pca.h"
#include "core/tsne.h"
#include "core/umap.h"
#include "core/vectors.h"

namespace brightcell::bindings {
namespace {

Napi::Float32Array floatsOf(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

int64_t whole(const Napi::Value& value) { return value.ToNumber().Int64Value(); }

// principalAxes(values, N, D, P, watch): centres values; a promise of { mean, axes, variances, total }.
Napi::Value principalAxes(const Napi::CallbackInfo& info) {
  auto found = std::make_shared<PrincipalAxes>();
  return Worker::run(
      info.Env(), {info[0].As<Napi::Object>(), info[4].As<Napi::Object>()},
      [found, values = info[0].As<Napi::Float32Array>().Data(), N = whole(info[1]), D = whole(info[2]), P = whole(info[3]),
       watch = readWatch(info[4])] {
        VectorRows rows{PixelType::float32, D, {}};
        for (int64_t i = 0; i < N; ++i) rows.rows.push_back(values + i * D);
        for (int64_t i = 0; i < N; ++i) checkFinite(rows, i);
        *found = findPrincipalAxes(values, N, D, P, *watch);
      },
      [found](Napi::Env env) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object.Set("mean", floatsOf(env, found->mean));
        object.Set("axes", floatsOf(env, found->axes));
        auto variances = Napi::Float64Array::New(env, found->variances.size());
        std::copy(found->variances.begin(), found->variances.end(), variances.Data());
        object.Set("variances", variances);
        object.Set("total", found->total);
        return object;
      });
}

// projectOnAxes(values, N, D, mean, axes, P, dst): a promise; N x P numbers go to dst.
Napi::Value project(const Napi::CallbackInfo& info) {
  return Worker::run(
      info.Env(),
      {info[0].As<Napi::Object>(), info[3].As<Napi::Object>(), info[4].As<Napi::Object>(), info[6].As<Napi::Object>()},
      [values = info[0].As<Napi::Float32Array>().Data(), N = whole(info[1]), D = whole(info[2]),
       mean = info[3].As<Napi::Float32Array>().Data(), axes = info[4].As<Napi::Float32Array>().Data(), P = whole(info[5]),
       dst = info[6].As<Napi::Float32Array>().Data()] { projectOnAxes(values, N, D, mean, axes, P, dst); },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// weighNeighbours(N, k, squaredDistances, perplexity, dst): a promise; N x k weights go to dst; of t-SNE, or of UMAP
// where the perplexity is 0.
Napi::Value weighNeighbours(const Napi::CallbackInfo& info) {
  return Worker::run(
      info.Env(), {info[2].As<Napi::Object>(), info[4].As<Napi::Object>()},
      [N = whole(info[0]), k = whole(info[1]), distances = info[2].As<Napi::Float64Array>().Data(),
       perplexity = info[3].ToNumber().DoubleValue(), dst = info[4].As<Napi::Float32Array>().Data()] {
        if (perplexity > 0)
          conditionalProbabilities(N, k, distances, perplexity, dst);
        else
          fuzzyMemberships(N, k, distances, dst);
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

// embedTsne(N, k, places, weights, y, { exaggeration, learningRate, iterations, exaggerated, grid }, watch): moves y;
// a promise of { divergence, iterations }.
Napi::Value tsne(const Napi::CallbackInfo& info) {
  const auto given = info[5].As<Napi::Object>();
  TsneSettings settings;
  settings.exaggeration = given.Get("exaggeration").ToNumber().DoubleValue();
  settings.learningRate = given.Get("learningRate").ToNumber().DoubleValue();
  settings.iterations = given.Get("iterations").ToNumber().Int32Value();
  settings.exaggerated = given.Get("exaggerated").ToNumber().Int32Value();
  settings.repulsion = given.Get("grid").ToBoolean().Value() ? RepulsionBy::grid : RepulsionBy::pairs;
  auto result = std::make_shared<TsneResult>();
  return Worker::run(
      info.Env(),
      {info[2].As<Napi::Object>(), info[3].As<Napi::Object>(), info[4].As<Napi::Object>(), info[6].As<Napi::Object>()},
      [=, N = whole(info[0]), k = whole(info[1]), places = info[2].As<Napi::Int32Array>().Data(),
       weights = info[3].As<Napi::Float32Array>().Data(), y = info[4].As<Napi::Float64Array>().Data(),
       watch = readWatch(info[6])] {
        const Affinities joint = symmetrise(N, k, places, weights, Symmetry::mean);
        *result = embedTsne(joint, settings, y, *watch);
      },
      [result](Napi::Env env) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object.Set("divergence", result->divergence);
        object.Set("iterations", result->iterations);
        return object;
      });
}

// embedUmap(N, k, places, weights, y, { minimumDistance, epochs, seed }, watch): moves y; a promise.
Napi::Value umap(const Napi::CallbackInfo& info) {
  const auto given = info[5].As<Napi::Object>();
  UmapSettings settings;
  settings.minimumDistance = given.Get("minimumDistance").ToNumber().DoubleValue();
  settings.epochs = given.Get("epochs").ToNumber().Int32Value();
  settings.seed = static_cast<uint64_t>(given.Get("seed").ToNumber().Int64Value());
  return Worker::run(
      info.Env(),
      {info[2].As<Napi::Object>(), info[3].As<Napi::Object>(), info[4].As<Napi::Object>(), info[6].As<Napi::Object>()},
      [=, N = whole(info[0]), k = whole(info[1]), places = info[2].As<Napi::Int32Array>().Data(),
       weights = info[3].As<Napi::Float32Array>().Data(), y = info[4].As<Napi::Float64Array>().Data(),
       watch = readWatch(info[6])] {
        embedUmap(symmetrise(N, k, places, weights, Symmetry::fuzzy), settings, y, *watch);
      },
      [](Napi::Env env) -> Napi::Value { return env.Undefined(); });
}

}  // namespace

void registerEmbedding(Napi::Env env, Napi::Object exports) {
  exports.Set("principalAxes", Napi::Function::New(env, principalAxes, "principalAxes"));
  exports.Set("projectOnAxes", Napi::Function::New(env, project, "projectOnAxes"));
  exports.Set("weighNeighbours", Napi::Function::New(env, weighNeighbours, "weighNeighbours"));
  exports.Set("embedTsne", Napi::Function::New(env, tsne, "embedTsne"));
  exports.Set("embedUmap", Napi::Function::New(env, umap, "embedUmap"));
}

}  // namespace brightcell::bindings
