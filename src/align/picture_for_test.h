// Pictures for the tests, to and from OpenCV.
#ifndef PREFIQS_ALIGN_PICTURE_FOR_TEST_H_
#define PREFIQS_ALIGN_PICTURE_FOR_TEST_H_

#include <prefiqs/image.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <random>

namespace prefiqs::align {

inline Image Noise(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  Image image{.width = width, .height = height, .rgb = {}};
  image.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (std::uint8_t& value : image.rgb) value = static_cast<std::uint8_t>(random());
  return image;
}

inline cv::Mat ToMat(const Image& image) {
  return cv::Mat(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.rgb.data())).clone();
}

inline Image FromMat(const cv::Mat& mat) {
  Image image{.width = mat.cols, .height = mat.rows, .rgb = {}};
  for (int y = 0; y < mat.rows; ++y) image.rgb.insert(image.rgb.end(), mat.ptr(y), mat.ptr(y) + 3 * mat.cols);
  return image;
}

// Of pixels of two pictures of the same size; 256 where the sizes differ.
inline int LargestDifference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.rgb.size() != b.rgb.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

}  // namespace prefiqs::align

#endif  // PREFIQS_ALIGN_PICTURE_FOR_TEST_H_
