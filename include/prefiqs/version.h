// Version of the library and the export macro of its shared object.
#ifndef PREFIQS_VERSION_H_
#define PREFIQS_VERSION_H_

#include <string_view>

#if defined(_WIN32)
#define PREFIQS_API
#else
#define PREFIQS_API __attribute__((visibility("default")))
#endif

namespace prefiqs {

// "MAJOR.MINOR.PATCH"; written into every result so that a score can be traced to the code that made it.
PREFIQS_API std::string_view version();

}  // namespace prefiqs

#endif  // PREFIQS_VERSION_H_
