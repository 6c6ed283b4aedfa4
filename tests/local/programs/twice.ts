/** A program that an engine refuses: two resources of one type have one name. */
import * as aws from "@pulumi/aws";

new aws.ec2.SecurityGroup("group");
new aws.ec2.SecurityGroup("group");

export default {};
