// Which decoders read the pictures, as rows name them.
#ifndef PREFIQS_IMAGE_LIBRARY_VERSIONS_H_
#define PREFIQS_IMAGE_LIBRARY_VERSIONS_H_

#include <string>
#include <vector>

namespace prefiqs::image {

// "libjpeg-turbo 2.1.5", "libpng 1.6.39", … in a fixed order. Versions are those of the libraries that are loaded, but
// for JPEG's: that library does not tell, so it is the one this program was compiled with.
std::vector<std::string> LibraryVersions();

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_LIBRARY_VERSIONS_H_
