#include "pipeline/crop_record.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/hash.h"

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

namespace prefiqs::pipeline {
namespace {

constexpr std::string_view kMark = "crop";
constexpr std::size_t kHashDigits = 32;
static_assert(kMark.size() + sizeof(std::uint32_t) + sizeof(std::uint64_t) + 2 * kHashDigits == kRecordStart);

// What a look at a picture says that holds the next time too. The crops that are to be assessed have kNoFace until
// then.
constexpr std::array kLasting{Status::kNoFace, Status::kFaceTooSmall, Status::kWrongShape, Status::kTooManyFaces};

std::string HashOf(std::span<const std::uint8_t> bytes) {
  ContentHash hash;
  hash.Add(bytes);
  return hash.Hex();
}

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <typename Number>
void Put(Number number, std::string& bytes) {
  static_assert(std::is_arithmetic_v<Number>);
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

void Put(std::string_view text, std::string& bytes) {
  Put(static_cast<std::uint32_t>(text.size()), bytes);
  bytes += text;
}

// Takes what Put() put. Of what is not there it says zeros, and that it failed.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    Number number{};
    if (bytes_.size() < sizeof(number)) {
      failed_ = true;
      return number;
    }
    std::memcpy(&number, bytes_.data(), sizeof(number));
    bytes_ = bytes_.subspan(sizeof(number));
    return number;
  }

  std::string TakeText() {
    const auto size = Take<std::uint32_t>();
    if (bytes_.size() < size) {
      failed_ = true;
      return {};
    }
    std::string text(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return text;
  }

  bool failed() const { return failed_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool failed_ = false;
};

// The numbers of a face, in the order in which they are written.
void ForEachNumber(auto& face, auto&& visit) {
  visit(face.box.x);
  visit(face.box.y);
  visit(face.box.width);
  visit(face.box.height);
  for (auto& point : face.landmarks) {
    visit(point.x);
    visit(point.y);
  }
  visit(face.confidence);
}

void PutFace(const FaceCandidate& candidate, std::string& head) {
  const Assessment& a = candidate.assessment;
  Put(std::int32_t{candidate.face}, head);
  Put(info(a.status).name, head);
  Put(std::string_view(a.detail), head);
  Put(std::int32_t{a.faces}, head);
  Put(std::int32_t{a.turn}, head);
  Put(std::uint8_t{a.face ? std::uint8_t{1} : std::uint8_t{0}}, head);
  if (a.face) ForEachNumber(*a.face, [&](float number) { Put(number, head); });
  Put(std::uint8_t{candidate.crop ? std::uint8_t{1} : std::uint8_t{0}}, head);
}

// False where there is none that can be kept.
bool TakeFace(Reader& reader, RecordHead& head) {
  FaceCandidate& candidate = head.faces.emplace_back();
  Assessment& a = candidate.assessment;
  candidate.face = reader.Take<std::int32_t>();
  const std::string status = reader.TakeText();
  const auto known = std::ranges::find(statuses(), status, &StatusInfo::name);
  a.detail = reader.TakeText();
  a.faces = reader.Take<std::int32_t>();
  a.turn = reader.Take<std::int32_t>();
  if (reader.Take<std::uint8_t>() != 0) {
    a.face.emplace();
    ForEachNumber(*a.face, [&](float& number) { number = reader.Take<float>(); });
  }
  head.has_crop.push_back(reader.Take<std::uint8_t>() != 0);
  if (reader.failed() || known == statuses().end()) return false;
  a.status = known->status;
  return std::ranges::find(kLasting, a.status) != kLasting.end();
}

std::size_t CropBytes(const CropShape& shape) {
  return static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.height) * 3;
}

}  // namespace

std::optional<PictureStamp> StampOf(const input::Item& item) {
  struct stat status {};
  if (::stat(item.file().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  constexpr std::int64_t kNanoseconds = 1000 * 1000 * 1000;
  return PictureStamp{status.st_size, status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec, item.offset,
                      item.length};
}

std::optional<RecordStart> ParseRecordStart(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kRecordStart || !std::ranges::equal(bytes.first(kMark.size()), Bytes(kMark))) return std::nullopt;
  Reader reader(bytes.subspan(kMark.size()));
  RecordStart start;
  start.head = reader.Take<std::uint32_t>();
  const auto pixels = reader.Take<std::uint64_t>();
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;  // sums of offsets do not overflow
  if (start.head > kMaxHeadBytes || pixels > kMost) return std::nullopt;
  start.pixels = pixels;
  const auto digits = [&](std::size_t which) {
    const auto of = bytes.subspan(kRecordStart - (2 - which) * kHashDigits, kHashDigits);
    return std::string(reinterpret_cast<const char*>(of.data()), of.size());
  };
  start.head_hash = digits(0);
  start.pixel_hash = digits(1);
  return start;
}

std::optional<RecordHead> ParseRecordHead(const RecordStart& start, std::span<const std::uint8_t> bytes,
                                          const CropShape& shape) {
  if (bytes.size() != start.head || HashOf(bytes) != start.head_hash) return std::nullopt;
  Reader reader(bytes);
  RecordHead head;
  head.name = reader.TakeText();
  head.stamp.bytes = reader.Take<std::int64_t>();
  head.stamp.modified = reader.Take<std::int64_t>();
  head.stamp.offset = reader.Take<std::int64_t>();
  head.stamp.length = reader.Take<std::int64_t>();
  for (auto faces = reader.Take<std::uint32_t>(); faces > 0; --faces) {
    if (!TakeFace(reader, head)) return std::nullopt;
  }
  const auto crops = static_cast<std::size_t>(std::ranges::count(head.has_crop, true));
  if (reader.failed() || !reader.at_end() || head.faces.empty() || start.pixels != crops * CropBytes(shape)) {
    return std::nullopt;
  }
  return head;
}

std::optional<std::vector<FaceCandidate>> ParseRecordPixels(const RecordStart& start, RecordHead head,
                                                            std::span<const std::uint8_t> pixels,
                                                            const CropShape& shape) {
  if (pixels.size() != start.pixels || HashOf(pixels) != start.pixel_hash) return std::nullopt;
  for (std::size_t i = 0; i < head.faces.size(); ++i) {
    if (!head.has_crop[i]) continue;
    const auto crop = pixels.first(CropBytes(shape));
    pixels = pixels.subspan(crop.size());
    head.faces[i].crop = std::make_shared<SeenCrop>(Image{shape.width, shape.height, {crop.begin(), crop.end()}});
  }
  return std::move(head.faces);
}

std::int64_t RecordBytes(const CropShape& shape) {
  constexpr std::size_t kUsualHead = 200;
  return static_cast<std::int64_t>(kRecordStart + kUsualHead + CropBytes(shape));
}

bool CanBeKept(std::span<const FaceCandidate> faces) {
  return !faces.empty() && std::ranges::all_of(faces, [](const FaceCandidate& face) {
    return std::ranges::find(kLasting, face.assessment.status) != kLasting.end();
  });
}

std::string EncodeRecord(const std::string& name, const PictureStamp& stamp, std::span<const FaceCandidate> faces) {
  std::string head;
  Put(std::string_view(name), head);
  Put(stamp.bytes, head);
  Put(stamp.modified, head);
  Put(stamp.offset, head);
  Put(stamp.length, head);
  Put(static_cast<std::uint32_t>(faces.size()), head);
  ContentHash pixel_hash;
  std::uint64_t pixels = 0;
  for (const FaceCandidate& face : faces) {
    PutFace(face, head);
    if (!face.crop) continue;
    pixel_hash.Add(face.crop->image.rgb);
    pixels += face.crop->image.rgb.size();
  }
  std::string record(kMark);
  record.reserve(kRecordStart + head.size() + pixels);
  Put(static_cast<std::uint32_t>(head.size()), record);
  Put(pixels, record);
  record += HashOf(Bytes(head)) + pixel_hash.Hex() + head;
  for (const FaceCandidate& face : faces) {
    if (face.crop)
      record.append(reinterpret_cast<const char*>(face.crop->image.rgb.data()), face.crop->image.rgb.size());
  }
  return record;
}

}  // namespace prefiqs::pipeline
