// Measures of the crop alone, without any network: the oldest baselines of the field.
#ifndef PREFIQS_SCORE_CROP_MEASURES_H_
#define PREFIQS_SCORE_CROP_MEASURES_H_

#include <prefiqs/image.h>

namespace prefiqs::score {

// Both look at the middle three fifths of the crop's width and height, where an aligned face is, and at its luma
// (77 R + 150 G + 29 B) / 256. NaN for crops of under five pixels a side.
struct CropMeasures {
  // Variance of the Laplacian of four neighbours (Pech-Pacheco et al., ICPR 2000), in squared grey levels.
  float sharpness;
  // How alike the left half and the right half are lit: the sum over 256 levels of the smaller of their shares, 0 to 1
  // (illumination uniformity of ISO/IEC 29794-5, over halves in place of its zones).
  float uniformity;
};
CropMeasures MeasureCrop(const Image& crop);

}  // namespace prefiqs::score

#endif  // PREFIQS_SCORE_CROP_MEASURES_H_
