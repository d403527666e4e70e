#include "face/turn.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "align/align.h"
#include "image/format.h"

namespace prefiqs::face {
namespace {

constexpr std::array kQuarterTurns{90, 180, 270};

// Exif's number for a picture that has to be turned so.
int OrientationOf(int degrees) {
  switch (degrees) {
    case 0:
      return 1;
    case 90:
      return 6;
    case 180:
      return 3;
    case 270:
      return 8;
    default:
      throw std::logic_error("no quarter turn");
  }
}

// Of the most upright face; 0 where there is none.
float MostUpright(const std::vector<Face>& faces) {
  float most = 0;
  for (const Face& face : faces) most = std::max(most, Uprightness(face));
  return most;
}

}  // namespace

Image Turned(const Image& picture, int degrees) { return image::Upright(picture, OrientationOf(degrees)); }

Face TurnedBack(const Face& face, int degrees, int width, int height) {
  const auto right = static_cast<float>(width - 1), bottom = static_cast<float>(height - 1);
  const auto map = [&](Point point) {
    switch (degrees) {
      case 90:
        return Point{point.y, bottom - point.x};
      case 180:
        return Point{right - point.x, bottom - point.y};
      case 270:
        return Point{right - point.y, point.x};
      default:
        return point;
    }
  };
  Face result = face;
  const Box& box = face.box;
  const Point a = map({box.x, box.y}), b = map({box.x + box.width, box.y + box.height});
  const bool on_a_side = degrees == 90 || degrees == 270;
  result.box = {std::min(a.x, b.x), std::min(a.y, b.y), on_a_side ? box.height : box.width,
                on_a_side ? box.width : box.height};
  std::ranges::transform(face.landmarks, result.landmarks.begin(), map);
  return result;
}

float Uprightness(const Face& face) {
  constexpr int kSide = 112;  // any
  const auto transform = align::FitSimilarity(face.landmarks, align::Template(kSide, kSide));
  if (!transform || !std::isfinite(face.confidence)) return 0;
  const double cosine = (*transform)[0][0] / std::hypot((*transform)[0][0], (*transform)[1][0]);
  return face.confidence * static_cast<float>(std::max(0.0, cosine));
}

TurnedFaces FindTurned(const Image& picture, const std::function<std::vector<Face>(const Image&)>& detect) {
  TurnedFaces best{.degrees = 0, .faces = detect(picture)};
  float most = MostUpright(best.faces);
  if (most >= kSurelyUpright) return best;
  for (const int degrees : kQuarterTurns) {
    std::vector<Face> faces = detect(Turned(picture, degrees));
    const float upright = MostUpright(faces);
    if (!(upright > most)) continue;
    most = upright;
    best = {degrees, std::move(faces)};
  }
  return best;
}

}  // namespace prefiqs::face
