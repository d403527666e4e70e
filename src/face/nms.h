// Greedy non-maximum suppression.
#ifndef PREFIQS_FACE_NMS_H_
#define PREFIQS_FACE_NMS_H_

#include <cstddef>
#include <vector>

#include <prefiqs/detector.h>

namespace prefiqs::face {

// What a hostile network can make us compare: the most confident this many (OpenCV's FaceDetectorYN has the same
// bound).
inline constexpr std::size_t kMaxCandidates = 5000;

// Intersection over union of two boxes of positive size, in [0, 1].
float Iou(const Box& a, const Box& b);

// Keeps, from the most confident down, each face whose box overlaps no kept one by more than `max_iou`. Equal
// confidences: the earlier one first. At most kMaxCandidates are looked at. Result in falling confidence.
std::vector<Face> SuppressNonMaxima(std::vector<Face> faces, float max_iou);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_NMS_H_
