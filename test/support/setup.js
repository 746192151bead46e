// cdktf captures a stack trace per construct, 65 to 90 times as dear as the construct itself under jest.
// It is only shown in token errors.
require("cdktf/lib/tokens/private/stack-trace").captureStackTrace = () => [];
