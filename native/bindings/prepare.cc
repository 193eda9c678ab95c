#include "bindings/register.h"

namespace brightcell::bindings {

void registerPrepare(Napi::Env, Napi::Object) {}

}  // namespace brightcell::bindings
