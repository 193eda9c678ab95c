#include "bindings/register.h"

namespace brightcell::bindings {

void registerSimulate(Napi::Env, Napi::Object) {}

}  // namespace brightcell::bindings
