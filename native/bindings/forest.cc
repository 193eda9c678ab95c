// NativeForest for JavaScript. src/engine/forest.ts checks every argument; here they are only translated. Work holds the
// forest by shared_ptr, so disposing of it while a prediction runs is harmless.
#include "core/forest.h"

#include <cmath>
#include <stdexcept>

#include "bindings/register.h"
#include "bindings/vector_classifier.h"

namespace brightcell::bindings {
namespace {

// Whole numbers pass through files as floats, which hold them exactly up to here.
constexpr float largestWhole = 1 << 24;

int32_t wholeNumber(float value) {
  if (!(value >= -largestWhole && value <= largestWhole) || value != std::floor(value))
    throw std::invalid_argument("a table holds a number that is not whole");
  return static_cast<int32_t>(value);
}

// Tables of all trees, one behind the other, as files hold them.
struct Tables {
  std::vector<float> nodes, shareRows;  // [T]: how many of each a tree has
  std::vector<float> feature, cut, next, gain, shares;
};

Tables tablesOf(const Forest& forest) {
  Tables tables;
  for (const Tree& tree : forest.trees) {
    tables.nodes.push_back(static_cast<float>(tree.nodes.size()));
    tables.shareRows.push_back(static_cast<float>(tree.shares.size() / forest.classes));
    for (const TreeNode& node : tree.nodes) {
      tables.feature.push_back(static_cast<float>(node.feature));
      tables.cut.push_back(node.cut);
      tables.next.push_back(static_cast<float>(node.next));
    }
    tables.gain.insert(tables.gain.end(), tree.gains.begin(), tree.gains.end());
    tables.shares.insert(tables.shares.end(), tree.shares.begin(), tree.shares.end());
  }
  return tables;
}

struct Slice {
  const float* data;
  size_t count;

  // The next `wanted` numbers.
  const float* take(int64_t wanted) {
    if (wanted < 0 || static_cast<size_t>(wanted) > count)
      throw std::invalid_argument("its tables do not fit each other");
    const float* taken = data;
    data += wanted;
    count -= static_cast<size_t>(wanted);
    return taken;
  }
};

Slice sliceOf(const Napi::Object& tables, const char* name) {
  const auto array = tables.Get(name).As<Napi::Float32Array>();
  return {array.Data(), array.ElementLength()};
}

Forest readForest(int64_t features, int classes, const Napi::Object& tables) {
  Forest forest{features, classes, {}};
  Slice nodes = sliceOf(tables, "nodes"), rows = sliceOf(tables, "shareRows"), shares = sliceOf(tables, "shares");
  Slice feature = sliceOf(tables, "feature"), cut = sliceOf(tables, "cut"), next = sliceOf(tables, "next"),
        gain = sliceOf(tables, "gain");
  while (nodes.count > 0) {
    const int64_t count = wholeNumber(*nodes.take(1)), numbers = int64_t{wholeNumber(*rows.take(1))} * classes;
    const float *features = feature.take(count), *cuts = cut.take(count), *nexts = next.take(count),
                *gains = gain.take(count), *own = shares.take(numbers);
    Tree tree;
    for (int64_t i = 0; i < count; ++i) tree.nodes.push_back({wholeNumber(features[i]), cuts[i], wholeNumber(nexts[i])});
    tree.gains.assign(gains, gains + count);
    tree.shares.assign(own, own + numbers);
    forest.trees.push_back(std::move(tree));
  }
  if (rows.count + feature.count + cut.count + next.count + gain.count + shares.count > 0)
    throw std::invalid_argument("its tables do not fit each other");
  checkForest(forest);
  return forest;
}

ForestSettings readSettings(const Napi::Object& from) {
  ForestSettings settings;
  settings.trees = from.Get("trees").ToNumber().Int32Value();
  settings.minimalLeaf = from.Get("minimalLeaf").ToNumber().Int32Value();
  settings.featuresPerNode = from.Get("featuresPerNode").ToNumber().Int64Value();
  settings.seed = static_cast<uint64_t>(from.Get("seed").ToNumber().Int64Value());
  const auto weights = from.Get("classWeights").As<Napi::Float64Array>();
  settings.classWeights.assign(weights.Data(), weights.Data() + weights.ElementLength());
  return settings;
}

class NativeForest : public Napi::ObjectWrap<NativeForest> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeForest",
                       {InstanceMethod<&NativeForest::grow>("grow"), InstanceMethod<&NativeForest::load>("load"),
                        InstanceMethod<&NativeForest::predict>("predict"),
                        InstanceMethod<&NativeForest::predictOne>("predictOne"),
                        InstanceMethod<&NativeForest::describe>("describe"),
                        InstanceMethod<&NativeForest::tables>("tables"),
                        InstanceMethod<&NativeForest::featureImportances>("importances"),
                        InstanceMethod<&NativeForest::dispose>("dispose")});
  }

  explicit NativeForest(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<NativeForest>(info), forest_(std::make_shared<Forest>()) {}

 private:
  // grow(set, rows, labels, classes, settings, watch): a promise of out-of-bag shares, N x K.
  Napi::Value grow(const Napi::CallbackInfo& info) {
    const auto rows = readSetRows(info[0], info[1]);
    const auto labels = info[2].As<Napi::Int32Array>();
    const int classes = info[3].ToNumber().Int32Value();
    const auto settings = readSettings(info[4].As<Napi::Object>());
    auto outOfBag = std::make_shared<std::vector<float>>();
    return Worker::run(
        info.Env(), {info[0].As<Napi::Object>(), labels.As<Napi::Object>(), info[5].As<Napi::Object>()},
        [=, forest = forest_, watch = readWatch(info[5]), label = labels.Data()] {
          Growth growth = growForest(rows.vectors(), label, classes, settings, *watch);
          *forest = std::move(growth.forest);
          *outOfBag = std::move(growth.outOfBag);
        },
        [outOfBag](Napi::Env env) -> Napi::Value { return arrayOf(env, *outOfBag); });
  }

  // load(features, classes, tables): throws an Error that says what is wrong with them.
  void load(const Napi::CallbackInfo& info) {
    try {
      *forest_ = readForest(info[0].ToNumber().Int64Value(), info[1].ToNumber().Int32Value(), info[2].As<Napi::Object>());
    } catch (const std::exception& error) {
      throw Napi::Error::New(info.Env(), error.what());
    }
  }

  Napi::Value predict(const Napi::CallbackInfo& info) { return predictMany(info, forest_->classes, predictor()); }

  Napi::Value predictOne(const Napi::CallbackInfo& info) {
    return bindings::predictOne(info, forest_->classes, predictor());
  }

  PredictVectors predictor() const {
    return [forest = forest_](const VectorRows& vectors, float* dst, const Watch& watch) {
      predictForest(*forest, vectors, dst, watch);
    };
  }

  // How large it is: numbers by name.
  Napi::Value describe(const Napi::CallbackInfo& info) {
    size_t nodes = 0;
    for (const Tree& tree : forest_->trees) nodes += tree.nodes.size();
    auto object = Napi::Object::New(info.Env());
    object.Set("features", static_cast<double>(forest_->features));
    object.Set("classes", forest_->classes);
    object.Set("trees", static_cast<double>(forest_->trees.size()));
    object.Set("nodes", static_cast<double>(nodes));
    return object;
  }

  Napi::Value tables(const Napi::CallbackInfo& info) {
    const Tables tables = tablesOf(*forest_);
    auto object = Napi::Object::New(info.Env());
    const std::pair<const char*, const std::vector<float>*> all[] = {
        {"nodes", &tables.nodes}, {"shareRows", &tables.shareRows}, {"feature", &tables.feature}, {"cut", &tables.cut},
        {"next", &tables.next},   {"gain", &tables.gain},           {"shares", &tables.shares}};
    for (const auto& [name, values] : all) object.Set(name, arrayOf(info.Env(), *values));
    return object;
  }

  Napi::Value featureImportances(const Napi::CallbackInfo& info) {
    const std::vector<double> shares = importances(*forest_);
    auto array = Napi::Float64Array::New(info.Env(), shares.size());
    std::copy(shares.begin(), shares.end(), array.Data());
    return array;
  }

  void dispose(const Napi::CallbackInfo&) { forest_ = std::make_shared<Forest>(); }

  std::shared_ptr<Forest> forest_;
};

// forestBytes(count, features, classes): what growing takes beside the vectors.
Napi::Value bytesToGrow(const Napi::CallbackInfo& info) {
  const auto number = [&](size_t i) { return info[i].ToNumber().Int64Value(); };
  return Napi::Number::New(info.Env(), static_cast<double>(forestBytes(number(0), number(1), static_cast<int>(number(2)))));
}

}  // namespace

void registerForest(Napi::Env env, Napi::Object exports) {
  exports.Set("NativeForest", NativeForest::define(env));
  exports.Set("forestBytes", Napi::Function::New(env, bytesToGrow, "forestBytes"));
}

}  // namespace brightcell::bindings
