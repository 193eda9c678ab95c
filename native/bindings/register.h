// One function a file of this folder: adds its operations to the addon's exports.
#pragma once
#include <napi.h>

namespace brightcell::bindings {

void registerDistances(Napi::Env env, Napi::Object exports);
void registerEmbedding(Napi::Env env, Napi::Object exports);
void registerFeatures(Napi::Env env, Napi::Object exports);
void registerForest(Napi::Env env, Napi::Object exports);
void registerImageSet(Napi::Env env, Napi::Object exports);
void registerLikeness(Napi::Env env, Napi::Object exports);
void registerNearBytes(Napi::Env env, Napi::Object exports);
void registerLogistic(Napi::Env env, Napi::Object exports);
void registerPeak(Napi::Env env, Napi::Object exports);
void registerPrepare(Napi::Env env, Napi::Object exports);
void registerNetwork(Napi::Env env, Napi::Object exports);
void registerSimulate(Napi::Env env, Napi::Object exports);
void registerSvm(Napi::Env env, Napi::Object exports);
void registerWays(Napi::Env env, Napi::Object exports);

}  // namespace brightcell::bindings
