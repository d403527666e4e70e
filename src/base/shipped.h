// Files that come with the program, found from any working directory.
#ifndef PREFIQS_BASE_SHIPPED_H_
#define PREFIQS_BASE_SHIPPED_H_

#include <string>
#include <string_view>

namespace prefiqs {

// Path of share/prefiqs/`name` in the folder of this library (or of the program it is linked into) or in one of the
// four folders above it: that is where both an installation and a build tree have it. Throws Error(kIo) where it lies
// nowhere there.
std::string ShippedFile(std::string_view name);

}  // namespace prefiqs

#endif  // PREFIQS_BASE_SHIPPED_H_
