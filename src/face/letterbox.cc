#include "face/letterbox.h"

#include <algorithm>

#include "align/resize.h"

namespace prefiqs::face {

void FillInput(const Image& picture, const Placement& placement, const InputFormat& format, std::span<float> input) {
  const bool same_size = picture.width == placement.width && picture.height == placement.height;
  const Image resized = same_size ? Image{} : align::Resize(picture, placement.width, placement.height);
  const std::uint8_t* pixels = same_size ? picture.rgb.data() : resized.rgb.data();

  std::fill(input.begin(), input.end(), 0.0f);
  const auto width = static_cast<std::size_t>(placement.width);
  const auto canvas_width = static_cast<std::size_t>(placement.canvas.width);
  const std::size_t plane_size = canvas_width * static_cast<std::size_t>(placement.canvas.height);
  for (std::size_t c = 0; c < 3; ++c) {
    const std::size_t source_channel = format.bgr ? 2 - c : c;
    for (std::size_t row = 0; row < static_cast<std::size_t>(placement.height); ++row) {
      const std::uint8_t* source = pixels + row * width * 3 + source_channel;
      float* target = &input[c * plane_size + (row + static_cast<std::size_t>(placement.y)) * canvas_width +
                             static_cast<std::size_t>(placement.x)];
      for (std::size_t x = 0; x < width; ++x)
        target[x] = (static_cast<float>(source[3 * x]) - format.mean[c]) * format.scale;
    }
  }
}

Face ToPicture(const Face& face, const Placement& placement, int picture_width, int picture_height) {
  const float scale_x = static_cast<float>(picture_width) / static_cast<float>(placement.width);
  const float scale_y = static_cast<float>(picture_height) / static_cast<float>(placement.height);
  auto map = [&](Point point) {
    return Point{(point.x - static_cast<float>(placement.x)) * scale_x - 0.5f,
                 (point.y - static_cast<float>(placement.y)) * scale_y - 0.5f};
  };
  Face result = face;
  const Point corner = map({face.box.x, face.box.y});
  result.box = {corner.x, corner.y, face.box.width * scale_x, face.box.height * scale_y};
  std::transform(face.landmarks.begin(), face.landmarks.end(), result.landmarks.begin(), map);
  return result;
}

}  // namespace prefiqs::face
