#include <prefiqs/version.h>

namespace prefiqs {

std::string_view version() { return PREFIQS_VERSION; }

}  // namespace prefiqs
