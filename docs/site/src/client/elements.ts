import "./codeTabs.ts";
import "./here.ts";
import "./tryIt.ts";
import "./verifyForm.ts";
