// Pictures that lie on a side or on their head: quarter turns, and the way back.
#ifndef PREFIQS_FACE_TURN_H_
#define PREFIQS_FACE_TURN_H_

#include <functional>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>

namespace prefiqs::face {

// The picture turned clockwise. `degrees`: 0, 90, 180 or 270. Every pixel keeps its value.
Image Turned(const Image& picture, int degrees);

// A face of the turned picture in the picture as given, which has width × height pixels. The landmarks keep their
// order: left and right are as seen in the turned picture.
Face TurnedBack(const Face& face, int degrees, int width, int height);

struct TurnedFaces {
  int degrees = 0;          // clockwise; 0 where none are found
  std::vector<Face> faces;  // in the turned picture, in the order of `detect`
};

// How surely a face is found and stands upright: its confidence times the cosine of the angle by which its points are
// turned in the picture; 0 for a face that lies or stands on its head. Many faces that lie are found: YuNet takes them
// for upright ones, of less confidence, and SCRFD places its points rightly.
float Uprightness(const Face& face);

// With so much a picture is upright. Of 900 turned pictures of LFW none reaches 0.91 (docs/faces.md).
inline constexpr float kSurelyUpright = 0.93f;

// The faces of the picture as given where one of them is surely upright. Else those of the turn, 0 degrees included,
// that has the face of the highest uprightness; of equals the first of 0, 90, 180 and 270 degrees. `detect` finds the
// faces of an upright picture.
TurnedFaces FindTurned(const Image& picture, const std::function<std::vector<Face>(const Image&)>& detect);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_TURN_H_
