// Which faces of a picture are assessed.
#ifndef PREFIQS_FACE_SELECTION_H_
#define PREFIQS_FACE_SELECTION_H_

#include <vector>

#include <prefiqs/detector.h>

namespace prefiqs::face {

// FaceSelection::kLargest: boxes with at least this part of the largest area count as equally large.
inline constexpr float kEqualArea = 0.9f;

// How fast a face loses prominence on the way from the picture's middle to its edge. On LFW all values from 2 to 6
// choose the same people, but for one picture; docs/faces.md has the tables. A face amid an edge counts as one of 1/20
// of its area in the middle.
inline constexpr double kMiddle = 3;

// How much speaks for a face as the picture's subject; higher is more, 0 outside the picture or for a box that is none.
// The share of the picture that the box covers, times exp(-kMiddle * d^2), where d is the distance of the box's centre
// from the picture's middle, in each direction in units of the way from the middle to the edge. Neither depends on the
// picture's size in pixels. The part of a box outside the picture does not count: an edge often cuts bystanders.
double Prominence(const Face& face, int picture_width, int picture_height);

// The most prominent first: Detector::detect's order. Equals: falling confidence, then left to right, then top to
// bottom, so that the order given does not matter.
void OrderFaces(std::vector<Face>& faces, int picture_width, int picture_height);

// Leaves of the faces of a picture, in OrderFaces()'s order, those that the selection chooses.
void Select(FaceSelection selection, std::vector<Face>& faces, int picture_width, int picture_height);

// For those who take one face of each picture: kBest in place of kAll.
FaceSelection OneFace(FaceSelection selection);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_SELECTION_H_
