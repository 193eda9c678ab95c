#include "bindings/register.h"

namespace brightcell::bindings {

void registerNetwork(Napi::Env, Napi::Object) {}

}  // namespace brightcell::bindings
