// How well qualities predict the errors of a verifying network, by the protocols in use, and how sure that is.
#ifndef PREFIQS_EVALUATION_H_
#define PREFIQS_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/error.h>
#include <prefiqs/image.h>
#include <prefiqs/version.h>

namespace prefiqs {

// A column of a table that says how good pictures are, or a file of lines NAME NUMBER.
struct QualitySource {
  std::string name;  // for tables
  // CSV with a header (commas, semicolons or tabs), OFIQ's table, rows of ours as JSON lines, or names and numbers
  // without a header; empty: the rows' own file. Two rows of one picture with different numbers are refused, unless the
  // table numbers faces in a column face, of which the first one counts.
  std::string path;
  // Empty: "quality", else OFIQ's UnifiedQualityScore, else the only column that is no name.
  std::string column;
  bool lower_is_better = false;
};

struct EvaluationOptions {
  // Which pictures are compared: a CSV file with file_a, file_b and mated, LFW's pairs.txt, CPLFW's or CALFW's list of
  // two lines a pair, lines PATH PATH LABEL or LABEL PATH PATH, CFP's Protocol/Split/FF or FP, or an InsightFace
  // verification set, FILE.bin, whose rows are named FILE.bin#INDEX. Names stand for the paths
  // that they are the ends of, without extensions.
  // "all": every picture of the rows with every other one; people are the rows' column identity, else the folder that a
  // picture lies in.
  std::string pairs{};
  // Of "all" pairs: files that say who is on which picture, in place of folders and the rows' column; other pictures
  // are left out. Adience's fold files (fold_0_data.txt, fold_frontal_0_data.txt: a person is a face_id), or CSV files
  // with the columns path (or file, name, image) and identity.
  std::vector<std::string> identities{};
  // Not empty: templates are compared, as in IJB-B and IJB-C. `pairs` has lines "TID TID LABEL" (1: of one person, 0:
  // of two), this file lines "NAME TID MID" for the pictures. A template's embedding is the mean of its pictures' (as
  // they are, not normalised; those without one left out) by medium, summed over the media; its quality the lowest of
  // its pictures', the worst where one is missing.
  std::string templates{};
  // Of templates: pictures without a quality are left out of the lowest one. False: they make their template the worst.
  bool skip_unscored = false;
  // The verifying network's: CSV with a column path (or file, or name), and a .npy matrix with a row for each of its
  // rows, as `prefiqs embed` and `score --embeddings` write them. The first row of a path counts. A row of NaN, a
  // picture in which no face was found, cannot be compared: such a comparison is not accepted and its quality is the
  // worst.
  std::string rows{}, embeddings{};
  // Rows like `embeddings`, of the mirrored pictures; empty: none. Protocol A wants both, each normalised, side by
  // side; or, for templates, added to the picture's.
  std::string mirrored{};
  // Empty: the rows' own columns quality, embedding_norm, pruned_norm, confidence, sharpness and uniformity, as far as
  // they have numbers; a norm that is the same in all rows is left out (EvaluationReport::left_out).
  std::vector<QualitySource> qualities{};
  std::vector<double> fmrs{1e-2, 1e-3, 1e-4};
  // Protocol B besides, from a stated starting error: the threshold is that quantile of the similarities, linear
  // between them, at which this share of all mated comparisons are false non-matches (FNM-EDC), or of the non-mated
  // ones false matches (FM-EDC: of which the worst are discarded, and the FMR falls).
  std::vector<double> false_non_match_starts{}, false_match_starts{};
  int resamples = 200;  // of identities, at least 2; 0: no intervals
  std::uint64_t seed = 1;
  int threads = 0;       // 0: all processors, as AssessorOptions::threads. No result depends on it
  std::string curves{};  // CSV file that is written, over an old one, with a line for each point; empty: none
  ImageLimits limits{};  // of the pictures that a page shows
  // Called now and then from the calling thread; empty: nothing.
  std::function<void(int resamples_done)> on_progress{};
};

// Throws as evaluate() would for what can be known of `options` before its rows and embeddings are there, which will be
// of `inputs` (as JobOptions has them; empty: not looked at): numbers that make no sense, pairs, templates or qualities
// that are not of those pictures, a file of `curves` or `outputs` (further ones) that cannot be written.
PREFIQS_API void check_evaluation(const EvaluationOptions& options, const std::vector<std::string>& inputs,
                                  const std::vector<std::string>& outputs = {});

// Throws as evaluate() would where `pairs` cannot be read or names pictures that are not among `inputs` (as JobOptions
// has them): so that nobody works for hours to hear it.
PREFIQS_API void check_pairs(const std::string& pairs, const std::vector<std::string>& inputs);

struct EvaluationInterval {
  double low = std::numeric_limits<double>::quiet_NaN(), high = std::numeric_limits<double>::quiet_NaN();  // 95 %
};

// An area under an error-versus-discard curve; lower is better. NaN where there are too few comparisons to tell, or the
// curve ends before the area does.
struct EvaluationArea {
  double value = std::numeric_limits<double>::quiet_NaN();
  EvaluationInterval interval;
  double reversed = std::numeric_limits<double>::quiet_NaN();  // with equally good comparisons in the other order
  // Share of resamples in which this method's area is lower than the first one's, equal ones by half; NaN for the
  // first.
  double better_than_first = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> resampled{};  // its value in each resample, NaN where that has none; empty without resamples
};

struct EvaluationPoint {
  // Of EdcProtocol::kFalseMatches the error is fmr, and fnmr NaN; of other curves the error is fnmr, and fmr NaN where
  // only mated comparisons are looked at.
  // The threshold is NaN where all that could tell it are comparisons of which one side has no embedding.
  double discarded = 0, fnmr = 0, threshold = 0, fmr = 0;
  std::uint64_t mated = 0, non_mated = 0;
  // The lowest that is kept (by protocol C of a picture, else of a pair): a gate there keeps what is kept here, and all
  // that is as good. Negative of the file's where lower is better; -infinity where what has no quality is kept; NaN
  // where nothing is.
  double quality = std::numeric_limits<double>::quiet_NaN();
};

// Where 95 % of the resamples' curves are at a share discarded.
struct EvaluationBand {
  double discarded = 0, low = 0, high = 0;
};

enum class EdcProtocol {
  kPairs,           // A: of CR-FIQA and its successors; pairs go, the threshold is found anew; trapezoids
  kFixedThreshold,  // B: ISO/IEC 29794-1; mated pairs go, one threshold; steps above the best possible curve
  kImages,          // C: of FaceQAN and its successors; images go, the threshold is found anew; steps
  // B as above, by a stated starting error in place of an FMR.
  kFalseNonMatches,
  kFalseMatches,  // non-mated pairs go, the error is the FMR
};
// "A", "B", "C", "B-FNM", "B-FM".
PREFIQS_API std::string_view name(EdcProtocol protocol);

struct EvaluationCurve {
  std::size_t method = 0;  // in EvaluationReport::methods
  EdcProtocol protocol = EdcProtocol::kPairs;
  // Asked for: the FMR, or the starting error, the other one being NaN.
  double fmr = std::numeric_limits<double>::quiet_NaN(), start = std::numeric_limits<double>::quiet_NaN();
  std::vector<EvaluationPoint> points;
  std::vector<EvaluationBand> bands;   // at shares k / 20, k = 0..19; empty without resamples
  EvaluationArea to_20, to_30, whole;  // over shares discarded of 0 to 0.2, 0.3, and 0.95 (1 for B)
  EvaluationArea normalised;           // of C alone: to_30 by (0.3 FNMR without discarding); NaN where that FNMR is 0
};

struct EvaluationErrorRate {
  double wanted_fmr = 0, threshold = 0, fmr = 0, fnmr = 0;  // threshold: NaN as of a point
  bool enough = false;                                      // non-mated comparisons to tell that FMR: 1 / FMR
  EvaluationInterval interval;                              // of fnmr
};

// RCE: how well the quality ranks images as the harm ranks them that they did; higher is better. NaN where too few
// comparisons are non-mated.
struct EvaluationHarmRank {
  double alpha = 0;
  double value = std::numeric_limits<double>::quiet_NaN();
  double reversed = std::numeric_limits<double>::quiet_NaN();  // of the negated quality: that of a random one is not 0
  EvaluationInterval interval{};
  // Share of resamples in which this method's is higher than the first one's, equal ones by half; NaN for the first.
  double better_than_first = std::numeric_limits<double>::quiet_NaN();
};

// What a file of others was read as.
struct EvaluationFile {
  std::string path;
  std::string form;  // for people: "LFW's pairs.txt"
};

struct EvaluationReport {
  std::vector<EvaluationFile> files;  // lists, tables and qualities that were read
  std::vector<std::string> methods;   // the last is "random", the floor
  // Of the rows' own columns those that were not compared, since they hold one number in all rows: "embedding_norm".
  std::vector<std::string> left_out;
  // Equal of reports whose resamples are of the same people, one by one: same images, identities, seed and number.
  std::string draws;
  // Where templates are compared, images are those. not_compared: without an embedding.
  std::size_t images = 0, identities = 0, not_compared = 0;
  std::uint64_t mated = 0, non_mated = 0;
  bool mirrored = false;  // protocol A had the mirrored pictures' embeddings, as it is published
  int folds = 0;
  double accuracy = std::numeric_limits<double>::quiet_NaN();  // of the list's folds; NaN where it has none
  double accuracy_standard_error = std::numeric_limits<double>::quiet_NaN();
  std::vector<EvaluationErrorRate> error_rates;  // of all comparisons, by FMR
  // Method by method, protocol by protocol, FMR by FMR (or start by start).
  std::vector<EvaluationCurve> curves;
  // Of images with an embedding, those without a quality, by method.
  std::vector<std::size_t> missing_qualities;
  // RCE at FMR 1e-3, by method: for alpha 0 and 3.
  std::vector<std::vector<EvaluationHarmRank>> harm_ranks;
};

// Throws Error(kIo) or Error(kUsage) naming file, line and cause. Deterministic: depends on the files and the seed
// alone.
PREFIQS_API EvaluationReport evaluate(const EvaluationOptions& options);

// Areas averaged over several verifying networks.
struct EvaluationMean {
  std::vector<std::string> methods;     // that all reports have, in the first one's order
  std::vector<EvaluationCurve> curves;  // method by method, of those areas that all have; points and bands are empty
  // Whether there are intervals and better_than_first: the reports' resamples must have drawn the same people. An
  // area's value in a resample is then the mean of the networks' in that one: people are drawn for all networks
  // together.
  bool same_draws = false;
};

// Requires a report; of one, its own areas.
PREFIQS_API EvaluationMean mean_of(std::span<const EvaluationReport> reports);

// A data set's table, as `prefiqs evaluate --tables csv` writes it.
struct EvaluationTable {
  std::string name;  // of the data set
  std::string path;
};

// pAUC up to 30 %, times 1000, of several data sets, and its mean: the last column of papers' tables.
struct EvaluationSetsMean {
  struct Set {
    std::string name;
    bool counts = true;  // false: XQLFW, whose pairs were chosen with scores of SER-FIQ, one of the methods compared
  };
  struct Row {
    std::string protocol, rate, method;                      // as the tables have them; rate: the FMR or the start
    std::vector<double> values;                              // by set; NaN where that has none
    double mean = std::numeric_limits<double>::quiet_NaN();  // of the sets that count; NaN where one has none
  };
  std::vector<Set> sets;
  std::vector<Row> rows;  // of what all tables have, in the first one's order
};

// Of a table of several verifying networks, the lines of their mean. Intervals are of each set's own people, and are
// not averaged. Throws Error(kIo) or Error(kUsage) naming file, line and cause: no such table, two sets of one name, no
// line that all have, none that counts.
PREFIQS_API EvaluationSetsMean mean_over_sets(std::span<const EvaluationTable> tables);

// evaluate(), and an HTML file that shows it and needs nothing else, written over an old one: curves, areas, the faces
// of the lowest and highest qualities, and the pairs that are errors as more and more is discarded. Pictures are opened
// where the rows' paths lead; one that cannot be read is named instead.
PREFIQS_API EvaluationReport evaluate_to_page(const EvaluationOptions& options, const std::string& page);

}  // namespace prefiqs

#endif  // PREFIQS_EVALUATION_H_
