// What warps and resizes crops, as rows name it.
#ifndef PREFIQS_ALIGN_LIBRARY_VERSION_H_
#define PREFIQS_ALIGN_LIBRARY_VERSION_H_

#include <string>

namespace prefiqs::align {

// "opencv 4.6.0", with the version of the library that is loaded.
std::string LibraryVersion();

}  // namespace prefiqs::align

#endif  // PREFIQS_ALIGN_LIBRARY_VERSION_H_
