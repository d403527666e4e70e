#include "face/selection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <tuple>

namespace prefiqs::face {
namespace {

double Area(const Face& face) { return double{face.box.width} * face.box.height; }

// Squared distance of the box's centre from the picture's middle, per direction in units of the way from the middle to
// the edge: 0 in the middle, 1 in the middle of an edge, 2 in a corner, whatever the picture's size. Infinite where
// the box is not finite.
double Offset2(const Face& face, int picture_width, int picture_height) {
  const auto part = [](double start, double length, int side) {
    return (start + length / 2 - (side - 1) / 2.0) / (side / 2.0);
  };
  const double x = part(face.box.x, face.box.width, picture_width);
  const double y = part(face.box.y, face.box.height, picture_height);
  const double sum = x * x + y * y;
  return std::isfinite(sum) ? sum : std::numeric_limits<double>::infinity();
}

// Of the box's length the part that lies on a side of the picture.
double Overlap(double start, double length, int side) {
  constexpr double kEdge = 0.5;  // of a pixel, whose centre has the whole number
  return std::max(0.0, std::min(start + length, side - kEdge) - std::max(start, -kEdge));
}

// The faces by falling value; a value that is not finite counts as the least.
template <typename Value>
void SortBy(std::vector<Face>& faces, Value&& value) {
  const auto key = [&](const Face& face) {
    const auto known = [](double number) {
      return std::isfinite(number) ? number : -std::numeric_limits<double>::infinity();
    };
    return std::tuple(-known(value(face)), -known(face.confidence), -known(-face.box.x), -known(-face.box.y));
  };
  std::stable_sort(faces.begin(), faces.end(), [&](const Face& a, const Face& b) { return key(a) < key(b); });
}

void MostCentralFirst(std::vector<Face>& faces, int picture_width, int picture_height) {
  SortBy(faces, [&](const Face& face) { return -Offset2(face, picture_width, picture_height); });
}

void LargestFirst(std::vector<Face>& faces, int picture_width, int picture_height) {
  if (faces.empty()) return;
  SortBy(faces, Area);
  const double enough = kEqualArea * Area(faces.front());
  const auto end = std::find_if(faces.begin(), faces.end(), [&](const Face& face) { return !(Area(face) >= enough); });
  const auto best = std::min_element(faces.begin(), end, [&](const Face& a, const Face& b) {
    return Offset2(a, picture_width, picture_height) < Offset2(b, picture_width, picture_height);
  });
  if (best != end) std::rotate(faces.begin(), best, best + 1);
}

struct Choice {
  FaceSelectionInfo info;
  void (*order)(std::vector<Face>& faces, int picture_width, int picture_height);
  bool one;  // of a picture
};

// Indexed by the enumerators; a test holds the order.
constexpr std::array<Choice, 4> kChoices{{
    {{FaceSelection::kBest, "best", "large, near the middle and inside the picture"}, OrderFaces, true},
    {{FaceSelection::kLargest, "largest", "of those within 10 % of its area the most central"}, LargestFirst, true},
    {{FaceSelection::kCentral, "central", "the one nearest to the middle"}, MostCentralFirst, true},
    {{FaceSelection::kAll, "all", "the best first"}, OrderFaces, false},
}};

constexpr auto kInfos = [] {
  std::array<FaceSelectionInfo, kChoices.size()> infos{};
  for (std::size_t i = 0; i < infos.size(); ++i) infos[i] = kChoices[i].info;
  return infos;
}();

const Choice& ChoiceOf(FaceSelection selection) { return kChoices.at(static_cast<std::size_t>(selection)); }

}  // namespace

double Prominence(const Face& face, int picture_width, int picture_height) {
  const double inside =
      Overlap(face.box.x, face.box.width, picture_width) * Overlap(face.box.y, face.box.height, picture_height);
  const double share = inside / (double{1} * picture_width * picture_height);
  return share * std::exp(-kMiddle * Offset2(face, picture_width, picture_height));
}

void OrderFaces(std::vector<Face>& faces, int picture_width, int picture_height) {
  SortBy(faces, [&](const Face& face) { return Prominence(face, picture_width, picture_height); });
}

void Select(FaceSelection selection, std::vector<Face>& faces, int picture_width, int picture_height) {
  const Choice& choice = ChoiceOf(selection);
  choice.order(faces, picture_width, picture_height);
  if (choice.one && faces.size() > 1) faces.resize(1);
}

FaceSelection OneFace(FaceSelection selection) { return ChoiceOf(selection).one ? selection : FaceSelection::kBest; }

}  // namespace prefiqs::face

namespace prefiqs {

const FaceSelectionInfo& info(FaceSelection selection) { return face::ChoiceOf(selection).info; }
std::span<const FaceSelectionInfo> face_selections() { return face::kInfos; }

}  // namespace prefiqs
