// One look at one picture as bytes: what was found in it, and the crops.
#ifndef PREFIQS_PIPELINE_CROP_RECORD_H_
#define PREFIQS_PIPELINE_CROP_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "input/source.h"
#include "pipeline/faces.h"

namespace prefiqs::pipeline {

// The file of a picture as it was before it was read: by this it is known to be the same.
struct PictureStamp {
  std::int64_t bytes = 0;                // size of the file
  std::int64_t modified = 0;             // nanoseconds since 1970
  std::int64_t offset = -1, length = 0;  // input::Item's: where the picture lies in the file
  friend bool operator==(const PictureStamp&, const PictureStamp&) = default;
};

// Empty where there is no such file: a picture that is not there is not known again.
std::optional<PictureStamp> StampOf(const input::Item& item);

// A record is, in this order, numbers being little-endian:
//   4 bytes   "crop"
//   4 bytes   H, the length of the head; at most kMaxHeadBytes
//   8 bytes   P, the length of the pixels
//   32 bytes  XXH3-128 of the head in hexadecimal digits
//   32 bytes  the same of the pixels
//   H bytes   the head: name and stamp of the picture, and for each of its faces the row's index, status, detail,
//   number
//             of faces, turn, box, five points, confidence, and whether there is a crop (crop_record.cc: the order)
//   P bytes   the crops' pixels, one after the other, each row by row, red, green, blue
inline constexpr std::size_t kRecordStart = 80;
inline constexpr std::size_t kMaxHeadBytes = std::size_t{1} << 24;

struct RecordStart {
  std::size_t head = 0;    // bytes
  std::size_t pixels = 0;  // bytes
  std::string head_hash, pixel_hash;
};
// Empty where `bytes`, kRecordStart of them, begin no record.
std::optional<RecordStart> ParseRecordStart(std::span<const std::uint8_t> bytes);

struct RecordHead {
  std::string name;  // of the picture
  PictureStamp stamp;
  std::vector<FaceCandidate> faces;  // without the crops' pixels
  std::vector<bool> has_crop;        // of each face
};
// `head` as the start says. Empty where it is not what EncodeRecord wrote, or the pixels' length is not that of its
// crops.
std::optional<RecordHead> ParseRecordHead(const RecordStart& start, std::span<const std::uint8_t> head,
                                          const CropShape& shape);

// The faces with their crops. Empty where the pixels are not those that were written.
std::optional<std::vector<FaceCandidate>> ParseRecordPixels(const RecordStart& start, RecordHead head,
                                                            std::span<const std::uint8_t> pixels,
                                                            const CropShape& shape);

// Whether the look says the same whenever it is repeated, so that it can be kept: what could not be read may be there
// the next time.
bool CanBeKept(std::span<const FaceCandidate> faces);

// What a record of one face takes, about.
std::int64_t RecordBytes(const CropShape& shape);

// Requires CanBeKept(faces), and crops of that shape that no network has seen.
std::string EncodeRecord(const std::string& name, const PictureStamp& stamp, std::span<const FaceCandidate> faces);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_CROP_RECORD_H_
