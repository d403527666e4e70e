// Pictures -> bytes of a JPEG, in memory.
#ifndef PREFIQS_IMAGE_ENCODE_H_
#define PREFIQS_IMAGE_ENCODE_H_

#include <cstdint>
#include <vector>

#include <prefiqs/image.h>

namespace prefiqs::image {

// Baseline, chroma halved both ways, as cameras and web sites write it; `quality` is libjpeg's, 1 to 100. Requires a
// picture that is not empty and at most 65500 pixels a side.
std::vector<std::uint8_t> ToJpeg(const Image& image, int quality);

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_ENCODE_H_
