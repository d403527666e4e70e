// JPEG by libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK; colour profiles are ignored.
#include "image/jpeg_reader.h"

#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two before it.
#include <jpeglib.h>
// jerror.h defines its codes from jpeglib.h.
#include <jerror.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace prefiqs::image {
namespace {

// Encoders write about ten scans; each one costs a pass over all coefficients, however few its bytes.
constexpr int kMaxScans = 100;

constexpr char kNoEndMarker[] = "the JPEG has no end marker (EOI); all its rows are there";

}  // namespace

// libjpeg reports errors by a function that must not return: it jumps to the last setjmp(). Only the functions of this
// class call libjpeg; none of them has a local with a destructor, so that a jump skips none.
class JpegReader::Decompressor {
 public:
  explicit Decompressor(Bytes bytes) : bytes_(bytes) {}
  ~Decompressor() {
    if (created_) jpeg_destroy_decompress(&info_);
  }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // These return false on an error, which Check() then says.
  bool ReadHeader() {
    info_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = OnError;
    errors_.manager.emit_message = OnMessage;
    errors_.manager.output_message = [](j_common_ptr) {};
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&info_);
    created_ = true;
    progress_.progress_monitor = OnProgress;
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes_.data(), bytes_.size());
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  // Asks for RGB, or CMYK where libjpeg converts to nothing else. False: a number of components of no known meaning.
  bool ChooseOutput() {
    switch (info_.jpeg_color_space) {
      case JCS_GRAYSCALE:
      case JCS_YCbCr:
      case JCS_RGB:
        info_.out_color_space = JCS_RGB;
        return true;
      case JCS_CMYK:
      case JCS_YCCK:
        info_.out_color_space = JCS_CMYK;
        return true;
      default:
        return false;
    }
  }

  bool Start(unsigned denominator) {
    if (setjmp(errors_.jump) != 0) return false;
    info_.scale_num = 1;
    info_.scale_denom = denominator;
    errors_.in_header = false;
    jpeg_start_decompress(&info_);
    // Of several scans libjpeg has read all by here, to the end of the file.
    return !errors_.no_end || !HasSeveralScans() || HasAllScans();
  }

  bool ReadRow(std::uint8_t* row) {
    if (setjmp(errors_.jump) != 0) return false;
    return jpeg_read_scanlines(&info_, &row, 1) == 1;
  }

  // What follows the last row, so that a picture that breaks off there is noticed.
  bool Finish() {
    if (setjmp(errors_.jump) != 0) return false;
    if (jpeg_finish_decompress(&info_) == FALSE) return false;
    // Bytes behind the rows that are no end marker: the rows may have been made of bytes that are none of this picture.
    return !errors_.no_end || !errors_.skipped;
  }
  bool HasEnd() const { return !errors_.no_end; }

  bool HasSeveralScans() const { return jpeg_has_multiple_scans(const_cast<j_decompress_ptr>(&info_)) != FALSE; }
  const jpeg_decompress_struct& info() const { return info_; }

  // Throws where one of those failed.
  void Check(bool good) const {
    if (!good) throw Undecodable(kJpeg, errors_.message);
  }

  // Only before the end: jpeg_finish_decompress() forgets the markers.
  int Orientation() const {
    for (jpeg_saved_marker_ptr marker = info_.marker_list; marker != nullptr; marker = marker->next) {
      const Bytes data(marker->data, marker->data_length);
      if (data.size() > 6 && std::equal(data.begin(), data.begin() + 6, "Exif\0")) return ExifOrientation(data);
    }
    return 1;
  }

 private:
  struct Errors {
    jpeg_error_mgr manager;  // first, so that libjpeg's pointer to it is a pointer to this
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    bool in_header = true;
    bool no_end = false;   // libjpeg put an end marker behind the last byte
    bool skipped = false;  // bytes between two markers
  };

  // Only before the end, which forgets the components.
  bool HasAllScans() const {
    for (int c = 0; c < info_.num_components; ++c) {
      // libjpeg keeps a component's table when the first scan of it begins.
      if (info_.comp_info[c].quant_table == nullptr) return false;
      if (info_.progressive_mode == FALSE) continue;
      const int* const bits = info_.coef_bits[c];  // that are still to come, -1: all
      if (std::any_of(bits, bits + DCTSIZE2, [](int missing) { return missing != 0; })) return false;
    }
    return true;
  }

  static void OnError(j_common_ptr info) {
    auto* errors = reinterpret_cast<Errors*>(info->err);
    // That the file ends early is the cause of all that follows.
    if (!errors->no_end) errors->manager.format_message(info, errors->message);
    std::longjmp(errors->jump, 1);
  }

  // Warnings that mean invented pixels are errors: a score of grey filling is worse than none. The end of the bytes
  // alone means none: libjpeg reads ahead, and warns once more (JWRN_HIT_MARKER, JWRN_MUST_RESYNC) when it wants bits
  // that are not there. But not of arithmetic codes, whose encoders leave zeros at the end out: a cut picture looks
  // like a whole one.
  static void OnMessage(j_common_ptr info, int level) {
    if (level >= 0) return;
    auto* errors = reinterpret_cast<Errors*>(info->err);
    switch (info->err->msg_code) {
      case JWRN_JPEG_EOF:
        if (!errors->no_end) errors->manager.format_message(info, errors->message);
        errors->no_end = true;
        if (errors->in_header || reinterpret_cast<j_decompress_ptr>(info)->arith_code != FALSE) OnError(info);
        break;
      case JWRN_EXTRANEOUS_DATA:
        errors->skipped = true;
        break;
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_ARITH_BAD_CODE:
      case JWRN_MUST_RESYNC:
        OnError(info);
    }
  }

  static void OnProgress(j_common_ptr common) {
    auto* info = reinterpret_cast<j_decompress_ptr>(common);
    if (info->input_scan_number <= kMaxScans) return;
    auto* errors = reinterpret_cast<Errors*>(info->err);
    std::snprintf(errors->message, sizeof(errors->message), "more than %d scans", kMaxScans);
    std::longjmp(errors->jump, 1);
  }

  Bytes bytes_;
  jpeg_decompress_struct info_{};
  jpeg_progress_mgr progress_{};
  Errors errors_{};
  bool created_ = false;
};

namespace {

// Adobe's programs store inverted CMYK, and say that it is theirs; what has no Adobe marker is taken as it is.
void CmykToRgb(const std::uint8_t* cmyk, bool inverted, std::size_t pixels, std::uint8_t* rgb) {
  const unsigned flip = inverted ? 0 : 255;
  for (std::size_t i = 0; i < pixels; ++i, cmyk += 4, rgb += 3) {
    const unsigned white = cmyk[3] ^ flip;
    for (int c = 0; c < 3; ++c) rgb[c] = To8Bit((cmyk[c] ^ flip) * white, 255 * 255);
  }
}

}  // namespace

JpegReader::JpegReader(Bytes bytes) : decompressor_(std::make_unique<Decompressor>(bytes)) {
  decompressor_->Check(decompressor_->ReadHeader());
  if (!decompressor_->ChooseOutput()) {
    throw Undecodable(kJpeg, std::to_string(decompressor_->info().num_components) + " components of unknown colour");
  }
  orientation_ = decompressor_->Orientation();
}

JpegReader::~JpegReader() = default;

std::uint32_t JpegReader::width() const { return decompressor_->info().image_width; }
std::uint32_t JpegReader::height() const { return decompressor_->info().image_height; }
int JpegReader::orientation() const { return orientation_; }
bool JpegReader::has_several_scans() const { return decompressor_->HasSeveralScans(); }

void JpegReader::Start(int denominator) {
  decompressor_->Check(decompressor_->Start(static_cast<unsigned>(denominator)));
  if (decompressor_->info().out_color_space == JCS_CMYK) cmyk_row_.resize(std::size_t{row_width()} * 4);
}

std::uint32_t JpegReader::row_width() const { return decompressor_->info().output_width; }
std::uint32_t JpegReader::rows() const { return decompressor_->info().output_height; }

void JpegReader::ReadRow(std::uint8_t* rgb) {
  const bool cmyk = !cmyk_row_.empty();
  decompressor_->Check(decompressor_->ReadRow(cmyk ? cmyk_row_.data() : rgb));
  if (cmyk) CmykToRgb(cmyk_row_.data(), decompressor_->info().saw_Adobe_marker != 0, row_width(), rgb);
}

std::string JpegReader::Finish() {
  decompressor_->Check(decompressor_->Finish());
  return decompressor_->HasEnd() ? "" : kNoEndMarker;
}

}  // namespace prefiqs::image
