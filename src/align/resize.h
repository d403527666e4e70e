// Pictures in other sizes.
#ifndef PREFIQS_ALIGN_RESIZE_H_
#define PREFIQS_ALIGN_RESIZE_H_

#include <prefiqs/image.h>

namespace prefiqs::align {

// Each axis by itself: shrinking averages over the area that a target pixel covers, growing interpolates linearly, with
// the border pixel repeated. Pixel centres go to pixel centres: x' = (x + 0.5) * width / picture.width - 0.5. One
// thread, the same bits on every machine. Requires a picture with pixels, and width and height of at least 1.
//
// Not cv::resize, for that spreads over OpenCV's threads, whose number is a setting of the whole process and so not
// ours to change. Agrees with its INTER_AREA (shrinking) and INTER_LINEAR (growing) to 1 of 255.
Image Resize(const Image& picture, int width, int height);

}  // namespace prefiqs::align

#endif  // PREFIQS_ALIGN_RESIZE_H_
