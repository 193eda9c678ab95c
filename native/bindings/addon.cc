// Registers what the other files of this folder export; nothing else happens here.
#include <napi.h>

#include "bindings/register.h"

static Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  brightcell::bindings::registerDistances(env, exports);
  brightcell::bindings::registerEmbedding(env, exports);
  brightcell::bindings::registerFeatures(env, exports);
  brightcell::bindings::registerForest(env, exports);
  brightcell::bindings::registerImageSet(env, exports);
  brightcell::bindings::registerLikeness(env, exports);
  brightcell::bindings::registerNearBytes(env, exports);
  brightcell::bindings::registerLogistic(env, exports);
  brightcell::bindings::registerPeak(env, exports);
  brightcell::bindings::registerPrepare(env, exports);
  brightcell::bindings::registerNetwork(env, exports);
  brightcell::bindings::registerSimulate(env, exports);
  brightcell::bindings::registerSvm(env, exports);
  brightcell::bindings::registerWays(env, exports);
  return exports;
}

NODE_API_MODULE(brightcell, initialise)
