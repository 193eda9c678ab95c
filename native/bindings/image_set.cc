#include "bindings/register.h"

namespace brightcell::bindings {

void registerImageSet(Napi::Env, Napi::Object) {}

}  // namespace brightcell::bindings
