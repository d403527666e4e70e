#include "align/library_version.h"

#include <opencv2/core/utility.hpp>

namespace prefiqs::align {

std::string LibraryVersion() { return "opencv " + cv::getVersionString(); }

}  // namespace prefiqs::align
