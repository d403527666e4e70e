#include "align/align.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "align/resize.h"

namespace prefiqs::align {
namespace {

// InsightFace's arcface_dst: eyes, nose, mouth corners of a 112×112 crop.
constexpr int kTemplateSize = 112;
constexpr Landmarks kArcFace = {
    {{38.2946f, 51.6963f}, {73.5318f, 51.5014f}, {56.0252f, 71.7366f}, {41.5493f, 92.3655f}, {70.7299f, 92.2041f}}};

// OpenCV cuts a warp into stripes of about 2^16 target pixels and hands them to its threads, unless one stripe is all:
// below 1.5 stripes it works in the calling thread. We warp at most one stripe's worth of rows at a time, so no thread
// of OpenCV's is ever started, without touching its process-wide number of threads. Its single rows have to stay below
// that too.
constexpr int kStripePixels = 1 << 16;

// warpAffine keeps source coordinates in 16 bits and refuses the last of them.
constexpr int kMaxSourceSide = 32766;

// What warpAffine makes of `transform` before it uses it: the same operations in the same order, so that warping from
// the inverse gives the bits that warping by the transform gives.
cv::Matx23d InverseAsOpenCv(const Transform& transform) {
  double m[6] = {transform[0][0], transform[0][1], transform[0][2], transform[1][0], transform[1][1], transform[1][2]};
  double d = m[0] * m[4] - m[1] * m[3];
  d = d != 0 ? 1. / d : 0;
  const double a11 = m[4] * d, a22 = m[0] * d;
  m[0] = a11;
  m[1] *= -d;
  m[3] *= -d;
  m[4] = a22;
  const double b1 = -m[0] * m[2] - m[1] * m[5];
  const double b2 = -m[3] * m[2] - m[4] * m[5];
  m[2] = b1;
  m[5] = b2;
  return {m[0], m[1], m[2], m[3], m[4], m[5]};
}

// The part of one axis of a very long picture that the crop can need: its first pixel. `low` is the least source
// coordinate any crop pixel looks at.
int SourceStart(double low, int side) {
  if (side <= kMaxSourceSide) return 0;
  return static_cast<int>(std::clamp(std::floor(low) - 1, 0.0, static_cast<double>(side - kMaxSourceSide)));
}

}  // namespace

Landmarks Template(int width, int height, CropTemplate kind) {
  const float scale = info(kind).scale(width, height);
  Landmarks points = kArcFace;
  for (Point& point : points) {
    point.x = (point.x - kTemplateSize / 2) * scale + static_cast<float>(width) / 2;
    point.y *= scale;
  }
  return points;
}

// In complex numbers p = x + iy a similarity without reflection is p -> a p + t, so that least squares is the
// regression of the target on the source: with centred points a = sum(conj(p) q) / sum(|p|^2), t = mean(q) - a mean(p).
// Both this and Umeyama's solution (with its sign correction, which excludes reflections) minimise the same sum over
// the same set of transforms, and the minimum is unique unless all p are equal: they are the same transform.
std::optional<Transform> FitSimilarity(const Landmarks& from, const Landmarks& to) {
  using Complex = std::complex<double>;
  constexpr double kCount = std::tuple_size_v<Landmarks>;
  Complex from_mean = 0, to_mean = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_mean += Complex(from[i].x, from[i].y) / kCount;
    to_mean += Complex(to[i].x, to[i].y) / kCount;
  }
  Complex product = 0;
  double square = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Complex p = Complex(from[i].x, from[i].y) - from_mean, q = Complex(to[i].x, to[i].y) - to_mean;
    product += std::conj(p) * q;
    square += std::norm(p);
  }
  // Points closer together than this are one point: coordinates are floats.
  constexpr double kMinSpread = 1e-3;
  if (!(square > kMinSpread * kMinSpread)) return std::nullopt;
  const Complex a = product / square;
  const Complex t = to_mean - a * from_mean;
  // A scale of (nearly) zero has no inverse, and a crop of one pixel shows no face.
  constexpr double kMinScale = 1e-6;
  if (!std::isfinite(t.real()) || !std::isfinite(t.imag()) || !(std::abs(a) > kMinScale)) return std::nullopt;
  return Transform{{{a.real(), -a.imag(), t.real()}, {a.imag(), a.real(), t.imag()}}};
}

Image Warp(const image::View& picture, const Transform& transform, int width, int height) {
  Image crop{.width = width, .height = height, .rgb = {}};
  crop.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  if (picture.empty()) return crop;
  cv::Matx23d inverse = InverseAsOpenCv(transform);

  const auto least = [&](int row) {
    return inverse(row, 2) + std::min(0.0, inverse(row, 0) * (width - 1)) +
           std::min(0.0, inverse(row, 1) * (height - 1));
  };
  const int x0 = SourceStart(least(0), picture.width), y0 = SourceStart(least(1), picture.height);
  inverse(0, 2) -= x0;
  inverse(1, 2) -= y0;
  // OpenCV has no view of constant pixels; warpAffine does not write to its source.
  const cv::Mat whole(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.rgb));
  const cv::Mat source = whole(
      cv::Rect(x0, y0, std::min(picture.width - x0, kMaxSourceSide), std::min(picture.height - y0, kMaxSourceSide)));

  cv::Mat target(height, width, CV_8UC3, crop.rgb.data());
  const int stripe_rows = std::max(1, kStripePixels / width);
  for (int row = 0; row < height; row += stripe_rows) {
    cv::Mat stripe = target.rowRange(row, std::min(row + stripe_rows, height));
    cv::Matx23d shifted = inverse;
    shifted(0, 2) += inverse(0, 1) * row;
    shifted(1, 2) += inverse(1, 1) * row;
    cv::warpAffine(source, stripe, shifted, stripe.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_CONSTANT,
                   cv::Scalar::all(0));
  }
  return crop;
}

image::Rect SourceOf(const Transform& transform, int width, int height) {
  // OpenCV rounds to 1/32 of a pixel and takes the pixel after; one more makes sure.
  constexpr double kMargin = 3;
  // Far outside of any picture, and far from where int ends.
  constexpr double kFar = 1 << 24;
  const cv::Matx23d inverse = InverseAsOpenCv(transform);
  const auto range = [&](int row) {
    const double x = inverse(row, 0) * (width - 1), y = inverse(row, 1) * (height - 1);
    const double low = inverse(row, 2) + std::min(0.0, x) + std::min(0.0, y);
    const double high = inverse(row, 2) + std::max(0.0, x) + std::max(0.0, y);
    return std::pair(static_cast<int>(std::clamp(std::floor(low) - kMargin, -kFar, kFar)),
                     static_cast<int>(std::clamp(std::ceil(high) + kMargin + 1, -kFar, kFar)));
  };
  const auto [left, right] = range(0);
  const auto [top, bottom] = range(1);
  return {left, top, right - left, bottom - top};
}

Image Warp(const DecodedImage& picture, const Transform& transform, int width, int height) {
  if (!picture.large) return Warp(image::View(picture.image), transform, width, height);
  const image::Rect source = SourceOf(transform, width, height);
  return Warp(picture.large->Read({&source, 1}).view(), transform, width, height);
}

std::optional<Image> AlignFace(const image::View& picture, const Landmarks& landmarks, int width, int height,
                               CropTemplate kind) {
  const std::optional<Transform> transform = FitSimilarity(landmarks, Template(width, height, kind));
  if (!transform) return std::nullopt;
  return Warp(picture, *transform, width, height);
}

std::optional<Image> FitCrop(const Image& crop, int width, int height) {
  if (crop.empty() || width < 1 || height < 1) return std::nullopt;
  // The crop's width is height * aspect, rounded.
  const std::int64_t difference =
      static_cast<std::int64_t>(crop.width) * height - static_cast<std::int64_t>(crop.height) * width;
  if (2 * std::abs(difference) <= height) return Resize(crop, width, height);
  const bool central_columns = crop.width == crop.height && width * 7 == height * 6;  // 96×112 and its multiples
  if (!central_columns) return std::nullopt;
  const Image square = Resize(crop, height, height);
  Image columns{.width = width, .height = height, .rgb = {}};
  for (int y = 0; y < height; ++y) {
    const auto row = square.rgb.begin() + (static_cast<std::ptrdiff_t>(y) * height + (height - width) / 2) * 3;
    columns.rgb.insert(columns.rgb.end(), row, row + std::ptrdiff_t{3} * width);
  }
  return columns;
}

Image CentralSquare(const Image& picture, int side) {
  const int length = std::min(picture.width, picture.height);
  Image square{.width = length, .height = length, .rgb = {}};
  const int left = (picture.width - length) / 2, top = (picture.height - length) / 2;
  for (int y = 0; y < length; ++y) {
    const auto row = picture.rgb.begin() + (static_cast<std::ptrdiff_t>(top + y) * picture.width + left) * 3;
    square.rgb.insert(square.rgb.end(), row, row + static_cast<std::ptrdiff_t>(length) * 3);
  }
  return *FitCrop(square, side, side);
}

}  // namespace prefiqs::align
