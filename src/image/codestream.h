// A look at a JPEG 2000 file before OpenJPEG sees it: that library allocates for what headers declare (tiles ×
// components, precincts, palettes) before anyone could check it.
#ifndef PREFIQS_IMAGE_CODESTREAM_H_
#define PREFIQS_IMAGE_CODESTREAM_H_

#include "image/format.h"

namespace prefiqs::image {

// Throws Failure unless the file is a JP2 or a raw codestream that is whole (all tile parts are there), whose picture
// is within `limits`, and whose structure costs no more than a few bytes for each pixel. Formats: ISO/IEC 15444-1,
// annexes A (codestream) and I (JP2 boxes).
void CheckJpeg2000(Bytes bytes, const ImageLimits& limits);

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_CODESTREAM_H_
