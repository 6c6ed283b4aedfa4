/** What CloudFront's own API tells of the distribution; only GetDistribution is answered. */

import { type ApiAnswer, type ApiCall, type Inputs, type LocalService, ServiceError } from "../service.ts";
import { document } from "../xml.ts";

export interface Described {
  readonly id: string;
  readonly arn: string;
  readonly domainName: string;
  readonly inputs: Inputs;
}

const NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/";

/**
 * The setting in force, which may be less than the declared one: with CloudFront's own certificate TLSv1 is always the lowest
 * version. Source: CloudFront API reference, ViewerCertificate, `MinimumProtocolVersion`.
 */
function viewerCertificate({ inputs }: Described) {
  const declared = (inputs.viewerCertificate ?? {}) as Inputs;
  const own = declared.cloudfrontDefaultCertificate !== true && declared.acmCertificateArn !== undefined;
  return own
    ? {
        CloudFrontDefaultCertificate: false,
        ACMCertificateArn: String(declared.acmCertificateArn),
        SSLSupportMethod: String(declared.sslSupportMethod),
        MinimumProtocolVersion: String(declared.minimumProtocolVersion ?? "TLSv1"),
      }
    : { CloudFrontDefaultCertificate: true, MinimumProtocolVersion: "TLSv1" };
}

/** @param find the distribution of this id */
export function createManagement(find: (id: string) => Described | undefined): LocalService {
  /** @throws ServiceError for anything but GetDistribution of a distribution that is there */
  function asked({ method, url }: ApiCall): Described {
    const id = /^\/2020-05-31\/distribution\/([^/?]+)$/.exec(url)?.[1];
    if (method !== "GET" || id === undefined)
      throw new ServiceError(
        "InvalidAction",
        `The local platform does not answer ${method} ${url} of CloudFront.`,
        404,
      );
    const found = find(id);
    if (found === undefined)
      throw new ServiceError("NoSuchDistribution", "The specified distribution does not exist.", 404);
    return found;
  }

  return {
    resources: {},
    api: {
      name: "cloudfront",
      authorizations: (call) => [{ action: "cloudfront:GetDistribution", resources: [asked(call).arn] }],
      async call(call): Promise<ApiAnswer> {
        const { id, arn, domainName, inputs } = asked(call);
        const body = document(
          "Distribution",
          {
            Id: id,
            ARN: arn,
            Status: "Deployed",
            LastModifiedTime: new Date().toISOString(),
            InProgressInvalidationBatches: 0,
            DomainName: domainName,
            DistributionConfig: {
              CallerReference: id,
              Comment: String(inputs.comment ?? ""),
              Enabled: true,
              ViewerCertificate: viewerCertificate(find(id)!),
            },
          },
          NAMESPACE,
        );
        return { status: 200, headers: { "content-type": "text/xml", etag: id }, body };
      },
    },
    async close() {},
  };
}
