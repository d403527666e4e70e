// Which face of a picture is the one to assess.
#ifndef PREFIQS_FACE_SELECTION_H_
#define PREFIQS_FACE_SELECTION_H_

#include <vector>

#include <prefiqs/detector.h>

namespace prefiqs::face {

// Boxes with at least this part of the largest area count as equally large.
inline constexpr float kEqualArea = 0.9f;

// Falling box area, then falling confidence, then left to right, then top to bottom; of those within 10 % of the
// largest the one whose box centre is nearest to the picture's centre goes to the front.
void OrderFaces(std::vector<Face>& faces, int picture_width, int picture_height);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_SELECTION_H_
