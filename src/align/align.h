// From five landmarks to the crop a network wants.
#ifndef PREFIQS_ALIGN_ALIGN_H_
#define PREFIQS_ALIGN_ALIGN_H_

#include <array>
#include <optional>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>
#include <prefiqs/preprocessing.h>

#include "image/large.h"

namespace prefiqs::align {

// Rows of the 2×3 matrix that takes picture coordinates to crop coordinates.
using Transform = std::array<std::array<double, 3>, 2>;

// ArcFace's five points for a width×height crop: 112×112 as published, other sizes as the row of `kind` says. A
// 96-wide, 112-high crop is columns 8…103 of the 112×112 one.
Landmarks Template(int width, int height, CropTemplate kind = CropTemplate::kInsightFace);

// Similarity transform (rotation, uniform scale, translation; no reflection) by least squares: Umeyama, "Least-squares
// estimation of transformation parameters between two point patterns", PAMI 1991. Empty when the landmarks coincide or
// are not finite.
std::optional<Transform> FitSimilarity(const Landmarks& from, const Landmarks& to);

// Bilinear, border 0: what OpenCV's warpAffine makes of it.
Image Warp(const image::View& picture, const Transform& transform, int width, int height);

// Holds every pixel of the picture that Warp looks at.
image::Rect SourceOf(const Transform& transform, int width, int height);

// The same of a picture that may be large, of which that part is decoded. Throws image::Failure.
Image Warp(const DecodedImage& picture, const Transform& transform, int width, int height);

// FitSimilarity to the template, then Warp. Empty where FitSimilarity is.
std::optional<Image> AlignFace(const image::View& picture, const Landmarks& landmarks, int width, int height,
                               CropTemplate kind = CropTemplate::kInsightFace);

// A picture that is already a crop: as it is; the same aspect ratio in another size is resized (area when shrinking,
// bilinear when growing); a square crop for a network 112 high and 96 wide gives its central columns. Empty where none
// of these holds.
std::optional<Image> FitCrop(const Image& crop, int width, int height);

// The largest square in the middle, resized. Requires a picture that is not empty.
Image CentralSquare(const Image& picture, int side);

}  // namespace prefiqs::align

#endif  // PREFIQS_ALIGN_ALIGN_H_
